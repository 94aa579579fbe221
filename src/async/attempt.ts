/** Calls code of somebody else, which may throw where it should reject, or return no promise. */
export async function attempt<T>(call: () => T | PromiseLike<T>): Promise<T> {
  return call();
}

/** Whether a call has answered later, rather than at once. */
export function isPromise<T>(answer: T | PromiseLike<T>): answer is PromiseLike<T> {
  return typeof (answer as PromiseLike<T> | undefined)?.then === 'function';
}

/**
 * What a function of somebody else returned that is to answer at once. A promise is no such answer,
 * and nobody waits for it: what it rejects with must not be an unhandled rejection.
 */
export function notAwaited<T>(answer: T): T {
  if (isPromise(answer)) inBackground(() => answer);
  return answer;
}

/** Runs a call that nobody waits for. Its failure is ignored. */
export function inBackground(call: () => unknown): void {
  attempt(call).catch(() => {});
}
