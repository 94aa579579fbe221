import { type Clock, systemClock } from '../../clock.js';
import { sleep } from '../../runtime.js';

/** Time that can be waited for, too. */
export interface WatchClock extends Clock {
  /** Resolves after `time`, or when the signal is aborted. Keeps no process alive. */
  pause(time: number, signal: AbortSignal): Promise<void>;
}

export const systemWatchClock: WatchClock = {
  ...systemClock,
  pause: (time, signal) => sleep(time, { signal, ref: false }).catch(() => {}),
};
