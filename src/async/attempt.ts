/** Calls code of somebody else, which may throw where it should reject, or return no promise. */
export async function attempt<T>(call: () => T | PromiseLike<T>): Promise<T> {
  return call();
}

/** Whether a call has answered later, rather than at once. */
export function isPromise<T>(answer: T | PromiseLike<T>): answer is PromiseLike<T> {
  return typeof (answer as PromiseLike<T> | undefined)?.then === 'function';
}

/** Runs a call that nobody waits for. Its failure is ignored. */
export function inBackground(call: () => unknown): void {
  attempt(call).catch(() => {});
}
