import type { HasTimeLeft, TimeSlicer } from './time-slicer.js';

interface Waiting {
  step: (hasTimeLeft: HasTimeLeft) => unknown;
  resolve: (result: never) => void;
  reject: (error: unknown) => void;
  /** Another step of its transaction has failed, so it gets one of its own. */
  isAlone: boolean;
}

/**
 * Steps of many calls, of which as many share a transaction as its time allows: to begin and to
 * commit costs more than to read or write one record. Each call's steps come in the order in which
 * all of them were asked for. A step may run a second time where its transaction was taken back, so
 * it must change nothing but the database.
 */
export class SharedSteps {
  readonly #slicer: TimeSlicer;
  readonly #time: number;
  readonly #transact: (work: () => void) => void;
  readonly #waiting: Waiting[] = [];
  #isAsked = false;

  /**
   * @param time of a transaction, in milliseconds
   * @param transact runs work in a transaction, which it takes back where the work throws
   */
  constructor(slicer: TimeSlicer, time: number, transact: (work: () => void) => void) {
    this.#slicer = slicer;
    this.#time = time;
    this.#transact = transact;
  }

  /** Runs a step. Rejects with what it throws, or with what its transaction fails with. */
  run<T>(step: (hasTimeLeft: HasTimeLeft) => T): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ step, resolve, reject, isAlone: false });
      this.#ask();
    });
  }

  #ask(): void {
    if (this.#isAsked || this.#waiting.length === 0) return;
    this.#isAsked = true;
    void this.#slicer.run(this.#time, (hasTimeLeft) => this.#runSome(hasTimeLeft));
  }

  /** Does not throw. */
  #runSome(hasTimeLeft: HasTimeLeft): void {
    this.#isAsked = false;
    const taken: Waiting[] = [];
    const results: unknown[] = [];
    try {
      this.#transact(() => {
        do {
          const next = this.#waiting.shift() as Waiting;
          taken.push(next);
          results.push(next.step(hasTimeLeft));
        } while (!taken.at(-1)?.isAlone && this.#waiting[0]?.isAlone === false && hasTimeLeft());
      });
      taken.forEach(({ resolve }, index) => void resolve(results[index] as never));
    } catch (error) {
      // The transaction could not begin, for whoever waits for one.
      if (taken.length === 0) taken.push(...this.#waiting.splice(0));
      else if (taken.length > 1) {
        this.#waiting.unshift(...taken.splice(0).map((each) => ({ ...each, isAlone: true })));
      }
      for (const { reject } of taken) reject(error);
    }
    this.#ask();
  }
}
