import { clearInterval, performance, setInterval, unref } from './runtime.js';

/** Time, as a simulation may replace it. In milliseconds. */
export interface Clock {
  now(): number;
  /** Calls `tick` again and again; returns what ends it. Keeps no process alive. */
  every(interval: number, tick: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  every(interval, tick) {
    const timer = unref(setInterval(tick, interval));
    return () => clearInterval(timer);
  },
};
