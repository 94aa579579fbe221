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
  /** In order; those before `#next` have begun, and so may others have that hurried. */
  readonly #waiting: { start: () => void; hasBegun: boolean }[] = [];
  #next = 0;

  constructor(most: number) {
    this.#most = most;
  }

  /** Takes a place, which is given up by `leave`. */
  enter(): Place {
    if (this.#running < this.#most) {
      this.#running += 1;
      return { turn: Promise.resolve(), hurry: () => {} };
    }
    let begin = () => {};
    const turn = new Promise<void>((resolve) => {
      begin = resolve;
    });
    const waiting = {
      hasBegun: false,
      start: () => {
        if (waiting.hasBegun) return;
        waiting.hasBegun = true;
        this.#running += 1;
        begin();
      },
    };
    this.#waiting.push(waiting);
    return { turn, hurry: waiting.start };
  }

  leave(): void {
    this.#running -= 1;
    while (this.#running < this.#most && this.#next < this.#waiting.length) {
      this.#waiting[this.#next]?.start();
      this.#next += 1;
    }
    if (2 * this.#next > this.#waiting.length) {
      this.#waiting.splice(0, this.#next);
      this.#next = 0;
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
