import { MAX_TIMER_MS, unref } from '../runtime.js';

/** How long after a job failed it is tried again, in milliseconds. */
const RETRY = 60_000;

/** Does a job again and again. Keeps no process alive. */
export class Schedule {
  readonly #job: () => Promise<number>;
  #timer: NodeJS.Timeout | undefined;
  #run: Promise<void> | undefined;
  #isStopped = false;

  /**
   * @param first milliseconds until it is done first
   * @param job resolves to the milliseconds until it is done again; one that rejects is done again
   * after a minute
   */
  constructor(first: number, job: () => Promise<number>) {
    this.#job = job;
    this.#wait(first);
  }

  /** Resolves when what is under way has ended. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    globalThis.clearTimeout(this.#timer);
    await this.#run;
  }

  #wait(milliseconds: number): void {
    if (this.#isStopped) return;
    this.#timer = globalThis.setTimeout(
      () => {
        this.#run = this.#job().then(
          (next) => this.#wait(next),
          () => this.#wait(RETRY),
        );
      },
      Math.min(milliseconds, MAX_TIMER_MS),
    );
    unref(this.#timer);
  }
}
