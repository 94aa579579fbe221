import { forEachConcurrently } from '../../async/semaphore.js';
import { KvFailure } from './error.js';

/**
 * Does `work` for each part, `concurrency` at once, and tells what came of each. After one that had no answer in time none is
 * started: the others count as failed like it.
 */
export async function settleParts<Part, T>(
  parts: readonly Part[],
  concurrency: number,
  work: (part: Part) => Promise<T>,
): Promise<PromiseSettledResult<T>[]> {
  const outcomes: PromiseSettledResult<T>[] = [];
  let late: KvFailure | undefined;
  await forEachConcurrently(parts, concurrency, async (part, index) => {
    try {
      if (late) throw late;
      outcomes[index] = { status: 'fulfilled', value: await work(part) };
    } catch (reason) {
      if (reason instanceof KvFailure && reason.isLate) late = reason;
      outcomes[index] = { status: 'rejected', reason };
    }
  });
  return outcomes;
}
