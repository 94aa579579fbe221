/** Calls code of somebody else, which may throw where it should reject, or return no promise. */
export async function attempt<T>(call: () => T | PromiseLike<T>): Promise<T> {
  return call();
}

/** Runs a call that nobody waits for. Its failure is ignored. */
export function inBackground(call: () => unknown): void {
  attempt(call).catch(() => {});
}
