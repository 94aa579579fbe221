/** A limit on one wait. */
export interface Deadline {
  /** Aborted when the time is over. */
  signal: AbortSignal;
  /** Settles as `promise` does, or resolves to undefined when the time is over first. */
  within<T>(promise: Promise<T>): Promise<T | undefined>;
  /** Ends the wait: the timer must not outlive the call. */
  clear(): void;
}

/**
 * Starts a limit of `milliseconds`. Timers run before the event loop reads its sockets: after something held the loop, a timer that is
 * late would find the answer unread and call a healthy server slow. So time is over only after one more turn of the loop.
 */
export function startDeadline(milliseconds: number): Deadline {
  const controller = new AbortController();
  let turn: NodeJS.Immediate | undefined;
  const timer = setTimeout(() => {
    turn = setImmediate(() => controller.abort());
  }, milliseconds);
  const { signal } = controller;
  return {
    signal,
    within: (promise) =>
      new Promise((resolve, reject) => {
        // Who hears the signal may answer with what there is: that answer is waited for, one turn long.
        const over = () => setImmediate(resolve, undefined);
        if (signal.aborted) over();
        signal.addEventListener('abort', over, { once: true });
        promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', over));
      }),
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
