/** How large an item is, or how large a chunk may be. */
export interface ChunkSize {
  /** Items, or whatever an item counts for. */
  readonly count: number;
  readonly bytes: number;
}

const ONE: ChunkSize = { count: 1, bytes: 0 };

/** Cuts a list into chunks of `size` items; the last may be shorter. */
export function chunksOf<T>(items: readonly T[], size: number): T[][] {
  const chunks: T[][] = [];
  for (const [start, end] of ranges(items.length, size)) chunks.push(items.slice(start, end));
  return chunks;
}

/**
 * Cuts a list into chunks that stay within `max`. An item that is larger by itself is a chunk of
 * its own.
 */
export function chunksWithin<T>(
  items: readonly T[],
  max: Partial<ChunkSize>,
  sizeOf: (item: T) => ChunkSize = () => ONE,
): T[][] {
  const { count: maxCount = Number.POSITIVE_INFINITY, bytes: maxBytes = Number.POSITIVE_INFINITY } = max;
  const chunks: T[][] = [];
  let count = 0;
  let bytes = 0;
  for (const item of items) {
    const size = sizeOf(item);
    count += size.count;
    bytes += size.bytes;
    const last = chunks.at(-1);
    if (last && count <= maxCount && bytes <= maxBytes) {
      last.push(item);
    } else {
      chunks.push([item]);
      ({ count, bytes } = size);
    }
  }
  return chunks;
}

/** The ranges of `size` places of a list of `length`; the last may be shorter. */
export function* ranges(length: number, size: number): Generator<[start: number, end: number]> {
  for (let start = 0; start < length; start += size) yield [start, Math.min(length, start + size)];
}
