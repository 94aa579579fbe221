/** Asks again until the answer is true; fails loudly after `limit` milliseconds. */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>, limit = 10_000): Promise<void> {
  // No reading of a clock: tests stop clocks.
  const isOver = AbortSignal.timeout(limit);
  while (!(await isTrue())) {
    if (isOver.aborted) throw new Error(`not within ${limit} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
