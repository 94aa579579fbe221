import { setTimeout as delay } from 'node:timers/promises';
import { type Clock, systemClock } from '../../clock.js';

/** Time that can be waited for, too. */
export interface WatchClock extends Clock {
  /** Resolves after `time`, or when the signal is aborted. Keeps no process alive. */
  pause(time: number, signal: AbortSignal): Promise<void>;
}

export const systemWatchClock: WatchClock = {
  ...systemClock,
  pause: (time, signal) => delay(time, undefined, { signal, ref: false }).catch(() => {}),
};
