import { KvFailure } from './error.js';

/** The longest time that a timer takes. */
const LONGEST_TIMER = 2 ** 31 - 1;

/** Runs a request. Fails with `KvFailure` when it takes longer than `limit` milliseconds, and when `signal` is aborted. */
export function inTime<T>(
  request: (signal: AbortSignal) => Promise<T>,
  limit: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  const controller = new AbortController();
  let giveUp = () => {};
  const over = new Promise<never>((_, reject) => {
    giveUp = () => {
      // First this: a request that hears its signal would fail with words of its own.
      reject(new KvFailure('no answer in time', { isLate: true }));
      controller.abort();
    };
  });
  const timer = setTimeout(giveUp, Math.min(limit, LONGEST_TIMER));
  signal?.addEventListener('abort', giveUp);
  if (signal?.aborted) giveUp();
  // A binding's request cannot be ended: it goes on, and what comes of it is ignored.
  const running = signal?.aborted ? over : request(controller.signal);
  return Promise.race([over, running]).finally(() => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', giveUp);
  });
}

/**
 * Does `work` for each part, `concurrency` at once, and tells what came of each. After one that had no answer in time none is
 * started: the others count as failed like it.
 */
export async function forEachPart<Part, T>(
  parts: readonly Part[],
  concurrency: number,
  work: (part: Part) => Promise<T>,
): Promise<PromiseSettledResult<T>[]> {
  const outcomes: PromiseSettledResult<T>[] = [];
  let next = 0;
  let late: KvFailure | undefined;
  const worker = async () => {
    while (next < parts.length) {
      const index = next++;
      try {
        if (late) throw late;
        outcomes[index] = { status: 'fulfilled', value: await work(parts[index] as Part) };
      } catch (reason) {
        if (reason instanceof KvFailure && reason.isLate) late = reason;
        outcomes[index] = { status: 'rejected', reason };
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, parts.length) }, worker));
  return outcomes;
}

/** Cuts a list into parts of at most `count` items and, unless one item alone is larger, `bytes` bytes. */
export function partsOf<T>(
  items: readonly T[],
  count: number,
  bytes = Number.POSITIVE_INFINITY,
  sizeOf = (_: T) => 0,
): T[][] {
  const parts: T[][] = [];
  let part: T[] = [];
  let size = 0;
  for (const item of items) {
    const itemSize = sizeOf(item);
    if (part.length === 0 || part.length === count || size + itemSize > bytes) {
      part = [];
      size = 0;
      parts.push(part);
    }
    part.push(item);
    size += itemSize;
  }
  return parts;
}
