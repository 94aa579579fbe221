import { Backoff } from '../../async/backoff.js';
import { performance, sleep } from '../../runtime.js';
import { currentFrame, type Frame } from './nesting.js';

/** Between two looks whether other processes are done with a key. */
const LOOKS = { baseMs: 10, maxMs: 200 };

/** How long other processes are waited for that say they are at a key, in milliseconds. */
const MAX_WAIT = 60_000;

/** The same where a model waits: they may wait for that, in a way that nobody sees from here. */
const MAX_NESTED_WAIT = 2_000;

/** How a computation waits for what other processes are at. It begins to wait when it is made. */
export class WaitForOthers {
  /** Whether a model asks: it must wait for nobody who may wait for it. */
  readonly isNested = currentFrame() !== undefined;
  readonly #frame: Frame;
  readonly #startedAt = performance.now();
  readonly #backoff = new Backoff(LOOKS);

  /** @param frame the computation */
  constructor(frame: Frame) {
    this.#frame = frame;
  }

  /** Whether they were waited for long enough. */
  get isOver(): boolean {
    const longest = this.isNested || this.#frame.isAwaited ? MAX_NESTED_WAIT : MAX_WAIT;
    return performance.now() - this.#startedAt > longest;
  }

  /** Resolves when it is time to look again. Rejects where the signal is aborted before. */
  pause(signal?: AbortSignal): Promise<void> {
    return sleep(this.#backoff.next(), { signal });
  }
}
