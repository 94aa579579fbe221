import type { WatchClock } from '../../src/observability/alerts/clock.js';

interface Due {
  at: number;
  run: () => void;
}

/** Time that passes only when a test says so. */
export class ManualClock implements WatchClock {
  #now = 1_000_000;
  readonly #due = new Set<Due>();
  /** How long each pause is that somebody waits for. */
  readonly pauses = new Set<{ time: number }>();

  now(): number {
    return this.#now;
  }

  every(interval: number, tick: () => void): () => void {
    const due: Due = {
      at: this.#now + interval,
      run: () => {
        due.at += interval;
        tick();
      },
    };
    this.#due.add(due);
    return () => void this.#due.delete(due);
  }

  pause(time: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const pause = { time };
      const due: Due = { at: this.#now + time, run: () => end() };
      const end = () => {
        this.pauses.delete(pause);
        this.#due.delete(due);
        resolve();
      };
      this.pauses.add(pause);
      this.#due.add(due);
      if (signal.aborted) end();
      else signal.addEventListener('abort', end);
    });
  }

  /** Lets milliseconds pass; what is due then runs, in order. */
  advance(time: number): void {
    const end = this.#now + time;
    for (;;) {
      const [next] = [...this.#due].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#now = next.at;
      next.run();
    }
    this.#now = end;
  }
}
