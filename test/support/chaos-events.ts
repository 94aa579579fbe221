import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type BreakerEvent, CHANNELS } from '../../src/events.js';

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
