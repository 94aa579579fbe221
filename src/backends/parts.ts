/** What an item adds to a request, or what a request takes. */
export interface Size {
  readonly keys: number;
  /** Of the request's body. */
  readonly bytes: number;
}

const ONE_KEY: Size = { keys: 1, bytes: 0 };

/** Cuts a list into parts that stay within a size. What is larger by itself is a part of its own. */
export function partsOf<T>(items: readonly T[], most: Partial<Size>, sizeOf: (item: T) => Size = () => ONE_KEY): T[][] {
  const { keys: mostKeys = Number.POSITIVE_INFINITY, bytes: mostBytes = Number.POSITIVE_INFINITY } = most;
  const parts: T[][] = [];
  let keys = 0;
  let bytes = 0;
  for (const item of items) {
    const size = sizeOf(item);
    keys += size.keys;
    bytes += size.bytes;
    const last = parts.at(-1);
    if (last && keys <= mostKeys && bytes <= mostBytes) {
      last.push(item);
    } else {
      parts.push([item]);
      ({ keys, bytes } = size);
    }
  }
  return parts;
}

/** Does `work`, which does not reject, for each part in order, for `concurrency` of them at once. */
export async function forEachPart<Part>(
  parts: readonly Part[],
  concurrency: number,
  work: (part: Part, index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const worker = async () => {
    while (next < parts.length) {
      const index = next++;
      await work(parts[index] as Part, index);
    }
  };
  await Promise.all(Array.from({ length: Math.min(concurrency, parts.length) }, worker));
}
