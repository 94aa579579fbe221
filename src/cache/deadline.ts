/** A limit on one wait. */
export interface Deadline {
  /** Aborted when the time is over. */
  signal: AbortSignal;
  /** Settles as `promise` does, or resolves to undefined when the time is over first. */
  within<T>(promise: Promise<T>): Promise<T | undefined>;
  /** What is left of the time, in milliseconds; 0 where it is over. */
  left(): number;
  /** Adds milliseconds that were not spent waiting. */
  prolong(milliseconds: number): void;
  /** Ends the wait: the timer must not outlive the call. */
  clear(): void;
}

/**
 * Starts a limit of `milliseconds`. Timers run before the event loop reads its sockets: after something held the loop, a timer that is
 * late would find the answer unread and call a healthy server slow. So time is over only after one more turn of the loop.
 */
export function startDeadline(milliseconds: number): Deadline {
  const controller = new AbortController();
  let over = performance.now() + milliseconds;
  const left = () => Math.max(0, over - performance.now());
  let turn: NodeJS.Immediate | undefined;
  const end = () => {
    // Timers may be a millisecond early, and the end may have moved.
    if (left() >= 1) timer = setTimeout(end, left());
    else turn = setImmediate(() => controller.abort());
  };
  let timer = setTimeout(end, milliseconds);
  const { signal } = controller;
  return {
    signal,
    left,
    within: (promise) =>
      new Promise((resolve, reject) => {
        // Who hears the signal may answer with what there is: that answer is waited for, one turn long.
        const giveUp = () => setImmediate(resolve, undefined);
        if (signal.aborted) giveUp();
        signal.addEventListener('abort', giveUp, { once: true });
        promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', giveUp));
      }),
    prolong(milliseconds) {
      over += milliseconds;
    },
    clear() {
      clearTimeout(timer);
      clearImmediate(turn);
    },
  };
}

/** Waits for `work`, but no longer than `milliseconds`; the work goes on. */
export async function atMost(milliseconds: number, work: Promise<unknown>): Promise<void> {
  if (milliseconds <= 0) return;
  const deadline = startDeadline(milliseconds);
  try {
    await deadline.within(work);
  } finally {
    deadline.clear();
  }
}
