import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { CHANNELS, type Events } from '../../src/events.js';

/** Breakers of this process that opened since the count began. */
export interface BreakerCount {
  opened: number;
  stop(): void;
}

export function countBreakers(): BreakerCount {
  const stop = listen('breaker', ({ state }) => {
    if (state === 'open') count.opened += 1;
  });
  const count = { opened: 0, stop };
  return count;
}

/** Entries of which this process was told that they are not stored, since the count began. */
export interface LossCount {
  told: number;
  stop(): void;
}

export function countLosses(): LossCount {
  const stop = listen('failure', ({ notStored = 0 }) => {
    count.told += notStored;
  });
  const count = { told: 0, stop };
  return count;
}

/** Calls `onEvent` with each event of a kind. Returns what ends that. */
function listen<Event extends keyof Events>(event: Event, onEvent: (event: Events[Event]) => void): () => void {
  const listener = (message: unknown) => onEvent(message as Events[Event]);
  subscribe(CHANNELS[event], listener);
  return () => void unsubscribe(CHANNELS[event], listener);
}
