import { forEachConcurrently } from '../../async/semaphore.js';

/**
 * Does `work` for each chunk, `concurrency` at once, and returns what became of each. Once one had
 * no answer in time, none is begun: the others count as failed like it.
 */
export async function settleEach<Chunk, T>(
  chunks: readonly Chunk[],
  concurrency: number,
  work: (chunk: Chunk) => Promise<T>,
  isTimeout: (reason: unknown) => boolean = isTimeoutError,
): Promise<PromiseSettledResult<T>[]> {
  const outcomes: PromiseSettledResult<T>[] = [];
  let late: { reason: unknown } | undefined;
  await forEachConcurrently(chunks, concurrency, async (chunk, index) => {
    try {
      if (late !== undefined) throw late.reason;
      outcomes[index] = { status: 'fulfilled', value: await work(chunk) };
    } catch (reason) {
      if (isTimeout(reason)) late ??= { reason };
      outcomes[index] = { status: 'rejected', reason };
    }
  });
  return outcomes;
}

/** Whether an error is that of a request whose time is over, as `AbortSignal.timeout` has it. */
export function isTimeoutError(error: unknown): boolean {
  try {
    return (error as Error).name === 'TimeoutError';
  } catch {
    return false;
  }
}
