/** A work that waits for its turn, or has it. */
export interface Place {
  /** Resolves when it is its turn. */
  readonly turn: Promise<void>;
  /** Lets it begin now, beyond the limit. */
  hurry(): void;
}

/** Lets at most `most` works run at once; the others wait for their turn, in order. */
export class Limiter {
  readonly #most: number;
  #running = 0;
  /** In order. */
  readonly #waiting = new Set<() => void>();

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes a place, which is given up by `leave`. */
  enter(): Place {
    if (this.#running < this.#most) {
      this.#running += 1;
      return { turn: Promise.resolve(), hurry: () => {} };
    }
    let start = () => {};
    const turn = new Promise<void>((resolve) => {
      start = () => {
        if (!this.#waiting.delete(start)) return;
        this.#running += 1;
        resolve();
      };
    });
    this.#waiting.add(start);
    return { turn, hurry: start };
  }

  leave(): void {
    this.#running -= 1;
    if (this.#running >= this.#most) return;
    for (const start of this.#waiting) {
      start();
      break;
    }
  }

  async run<T>(work: () => Promise<T>, onPlace?: (place: Place) => void): Promise<T> {
    const place = this.enter();
    onPlace?.(place);
    await place.turn;
    try {
      return await work();
    } finally {
      this.leave();
    }
  }
}
