import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type BreakerEvent, CHANNELS, type FailureEvent } from '../../src/events.js';

/** Breakers of this process that opened since the count began. */
export interface BreakerCount {
  opened: number;
  stop(): void;
}

export function countBreakers(): BreakerCount {
  const count: BreakerCount = {
    opened: 0,
    stop: () => void unsubscribe(CHANNELS.breaker, listen),
  };
  const listen = (event: unknown) => {
    if ((event as BreakerEvent).state === 'open') count.opened += 1;
  };
  subscribe(CHANNELS.breaker, listen);
  return count;
}

/** Entries of which this process was told that they are not stored, since the count began. */
export interface LossCount {
  told: number;
  stop(): void;
}

export function countLosses(): LossCount {
  const count: LossCount = {
    told: 0,
    stop: () => void unsubscribe(CHANNELS.failure, listen),
  };
  const listen = (event: unknown) => {
    count.told += (event as FailureEvent).notStored ?? 0;
  };
  subscribe(CHANNELS.failure, listen);
  return count;
}
