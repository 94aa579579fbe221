/** Asks again until the answer is true; fails loudly after `limit` milliseconds. */
export async function until(what: string, isTrue: () => boolean | Promise<boolean>, limit = 10_000): Promise<void> {
  const start = performance.now();
  while (!(await isTrue())) {
    if (performance.now() - start > limit) throw new Error(`not within ${limit} ms: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
