import { withTimeout } from '../../async/timeout.js';
import { BackendError } from '../../errors.js';

/** LangChain's `CacheBackedEmbeddings`: it encodes keys and values itself, differently in each major. */
export interface OlderCache {
  documentEmbeddingStore: { mget(texts: string[]): Promise<(number[] | undefined)[]> };
}

type EmbedDocuments = (texts: string[]) => Promise<number[][]>;

/** How long the older store may take for a batch, in milliseconds. */
const TIMEOUT_MS = 5_000;

/**
 * Takes from an older cache what it has of a batch, and asks `embed` for the rest. What it cannot
 * read it does not have.
 */
export function withOlderCache(
  { documentEmbeddingStore }: OlderCache,
  embed: EmbedDocuments,
  dimensions: number,
  timeoutMs = TIMEOUT_MS,
): EmbedDocuments {
  const late = new BackendError('the older store did not answer in time');
  const read = (texts: string[]) =>
    withTimeout(async () => documentEmbeddingStore.mget(texts), { timeoutMs, error: () => late });
  const readAlone = (text: string) =>
    read([text]).then(
      (vectors) => vectors?.[0],
      () => undefined,
    );
  return async (texts) => {
    // One broken value fails all: then each text is read alone.
    const found = await read(texts).catch((error) => (error === late ? [] : Promise.all(texts.map(readAlone))));
    const vectors = texts.map((_, i) => (isVector(found?.[i], dimensions) ? found[i] : undefined));
    const missing = texts.filter((_, i) => vectors[i] === undefined);
    if (missing.length === 0) return vectors as number[][];
    const computed = await embed(missing);
    // The cache says what is wrong with an answer.
    if (!Array.isArray(computed) || computed.length !== missing.length) return computed;
    const rest = computed.values();
    return vectors.map((vector) => vector ?? (rest.next().value as number[]));
  };
}

/** Whether it can be stored. */
function isVector(value: unknown, dimensions: number): value is number[] {
  return (
    Array.isArray(value) &&
    value.length === dimensions &&
    value.every((x) => typeof x === 'number' && Number.isFinite(Math.fround(x))) &&
    value.some((x) => Math.fround(x) !== 0)
  );
}
