import { clearImmediate, clearTimeout, performance, setImmediate, setTimeout } from '../runtime.js';
import { allowListeners } from './abort.js';

/** A limit on one wait. */
export interface Deadline {
  /** Aborted when the time is over. */
  readonly signal: AbortSignal;
  /** Settles as `promise` does, or resolves to undefined when the time is over first. */
  within<T>(promise: Promise<T>): Promise<T | undefined>;
  /** What is left of the time, in milliseconds; 0 where it is over. */
  left(): number;
  /** Adds milliseconds that were not spent waiting. */
  prolong(milliseconds: number): void;
  /** Lets the time begin anew, as often as `most` allows: what is waited for is on its way. */
  progress(): void;
  /** Ends the wait: the timer must not outlive the call. */
  clear(): void;
}

/** How often a deadline looks at the clock, in milliseconds. */
const SLICE = 50;

/** By how much a timer of an idle thread may be late, in milliseconds. */
const LATENESS = 10;

/**
 * Iterations of the event loop that an answer may take once the time is over: tiers and breakers
 * that stand behind one another take one each.
 */
const ITERATIONS = 4;

function afterIterations(iterations: number, then: () => void): void {
  if (iterations === 0) then();
  else setImmediate(() => afterIterations(iterations - 1, then));
}

/**
 * Starts a limit of `milliseconds` of waiting. Time in which this thread was busy is not waiting:
 * nothing was read then, so an answer may lie unread. So the time is counted in slices, a slice
 * that took longer counts as one, and after the last one the event loop gets one more turn to read
 * what has come.
 *
 * @param most the longest that a wait may become by `progress`, in milliseconds
 */
export function startDeadline(milliseconds: number, most = milliseconds): Deadline {
  const controller = new AbortController();
  const { signal } = controller;
  // A batch over many nodes listens once for each.
  allowListeners(0, signal);
  let waited = 0;
  let total = 0;
  let lookedAt = performance.now();
  let lastCheck: NodeJS.Immediate | undefined;
  let timer: NodeJS.Timeout;

  const look = () => {
    const now = performance.now();
    const passed = Math.min(now - lookedAt, SLICE + LATENESS);
    lookedAt = now;
    waited += passed;
    total += passed;
  };
  const left = () => Math.max(0, Math.min(milliseconds - waited, most - total));
  const arm = () => {
    timer = setTimeout(check, Math.max(1, Math.min(SLICE, left())));
  };
  const check = () => {
    look();
    // Timers may be a millisecond early.
    if (left() >= 1) arm();
    else
      lastCheck = setImmediate(() => {
        if (left() >= 1) arm();
        else controller.abort();
      });
  };
  arm();

  return {
    signal,
    left() {
      look();
      return left();
    },
    within: (promise) =>
      new Promise((resolve, reject) => {
        // Who hears the signal may answer with what there is: that answer is waited for, a few
        // turns long.
        const giveUp = () => afterIterations(ITERATIONS, () => resolve(undefined));
        if (signal.aborted) giveUp();
        signal.addEventListener('abort', giveUp, { once: true });
        const end = () => signal.removeEventListener('abort', giveUp);
        promise.then(
          (value) => {
            end();
            resolve(value);
          },
          (error) => {
            end();
            reject(error);
          },
        );
      }),
    prolong(milliseconds) {
      waited -= milliseconds;
      total -= milliseconds;
    },
    progress() {
      look();
      waited = 0;
    },
    clear() {
      clearTimeout(timer);
      clearImmediate(lastCheck);
    },
  };
}

/**
 * Waits for `work`, but no longer than `milliseconds`; the work goes on. Rejects where the work
 * does in time.
 */
export async function atMost(milliseconds: number, work: Promise<unknown>): Promise<void> {
  if (milliseconds <= 0) {
    work.catch(() => {});
    return;
  }
  const deadline = startDeadline(milliseconds);
  try {
    await deadline.within(work);
  } finally {
    deadline.clear();
  }
}

/** What is left of the time that the cache may cost one call. */
export class TimeBudget {
  #left: number;

  /** @param milliseconds what there is */
  constructor(milliseconds: number) {
    this.#left = milliseconds;
  }

  get left(): number {
    return this.#left;
  }

  /**
   * Waits for `work` while there is time, which the wait uses up; undefined where it ends first.
   * The work goes on.
   */
  async spend<T>(work: Promise<T>): Promise<T | undefined> {
    if (this.#left <= 0) {
      work.catch(() => {});
      return undefined;
    }
    const deadline = startDeadline(this.#left);
    try {
      return await deadline.within(work);
    } finally {
      this.#left = deadline.left();
      deadline.clear();
    }
  }
}
