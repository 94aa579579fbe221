/** Calls what belongs to somebody else, which may throw where it should reject, or return what is no promise. */
export async function attempt<T>(call: () => T | PromiseLike<T>): Promise<T> {
  return call();
}

/** Runs what nobody waits for. Its failure is nobody's. */
export function inBackground(call: () => unknown): void {
  attempt(call).catch(() => {});
}
