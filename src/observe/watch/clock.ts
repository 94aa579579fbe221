import { setTimeout as delay } from 'node:timers/promises';

/** Time, as a test may replace it. In milliseconds; nothing of it keeps a process alive. */
export interface WatchClock {
  /** Never goes back; where it begins says nothing. */
  now(): number;
  /** Calls `tick` again and again; returns what ends it. */
  every(interval: number, tick: () => void): () => void;
  /** Resolves after `time`, or when the signal is aborted. */
  pause(time: number, signal: AbortSignal): Promise<void>;
}

export const systemClock: WatchClock = {
  now: () => performance.now(),
  every(interval, tick) {
    const timer = setInterval(tick, interval);
    timer.unref();
    return () => clearInterval(timer);
  },
  pause: (time, signal) => delay(time, undefined, { signal, ref: false }).catch(() => {}),
};
