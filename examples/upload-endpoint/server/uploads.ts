import type { CacheService } from 'vecstash/service';
import { digestOf } from '../models/digest.js';
import type { ExampleModel } from '../models/model.js';
import type { Batch, Item, Kind, UploadAnswer } from '../wire.js';

/** Batches that the page lists. */
const LISTED = 8;
/** Times that percentiles are made of: the last minute's, and no more than so many. */
const TIMES = 5000;
const WINDOW = 60_000;
/** How much an answer shows of a vector, in numbers, and of its digest, in characters. */
const NUMBERS = 4;
const DIGITS = 12;

/** One upload to be embedded. */
export interface Upload {
  kind: Kind;
  /** What an answer calls each input, and what tells it from others. */
  inputs: readonly { name: string; identity: string }[];
  model: Pick<ExampleModel<never>, 'name' | 'dimensions'>;
  /** Whether the answer holds the whole vectors. @default false */
  withVectors?: boolean;
  /** @param onLookup is told which inputs the cache had */
  embed: (onLookup: (found: Uint8Array) => void) => Promise<Float32Array[]>;
}

/** Embeds uploads, and remembers what the page shows of them. */
export class Uploads {
  readonly batches: Batch[] = [];
  readonly counts = { answered: 0, refused: 0, failed: 0 };
  #lastId = 0;
  #times: { at: number; durationMs: number }[] = [];

  async answer({ kind, inputs, model, withVectors = false, embed }: Upload): Promise<UploadAnswer> {
    const started = performance.now();
    let found: Uint8Array | undefined;
    const vectors = await embed((places) => {
      // What a second attempt finds may be the first one's own.
      found ??= places;
    });
    const durationMs = performance.now() - started;
    const items = inputs.map(({ name }, i): Item => {
      const vector = vectors[i] as Float32Array;
      return {
        name,
        status: found?.[i] === 1 ? 'hit' : 'miss',
        digest: digestOf(new Uint8Array(vector.buffer, vector.byteOffset, vector.byteLength)).slice(0, DIGITS),
        vector: [...vector.subarray(0, NUMBERS)],
      };
    });
    const distinct = new Map(inputs.map(({ identity }, i) => [identity, found?.[i]]));
    const hits = [...distinct.values()].filter((isFound) => isFound === 1).length;
    const counted = { count: inputs.length, hits, misses: distinct.size - hits, durationMs };
    this.#remember({ id: ++this.#lastId, at: Date.now(), kind, ...counted });
    return {
      ...counted,
      dimensions: model.dimensions,
      model: model.name,
      items,
      ...(withVectors && { vectors: vectors.map(base64Of) }),
    };
  }

  /** Enters an answer that is an error. */
  enterError(status: number): void {
    if (status < 500) this.counts.refused += 1;
    else this.counts.failed += 1;
  }

  /** Of what the uploads of the last minute took; null where there was none. */
  percentiles(now: number): { p50: number | null; p95: number | null } {
    this.#times = this.#times.filter(({ at }) => now - at <= WINDOW);
    const sorted = this.#times.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
    const at = (share: number) => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? null;
    return { p50: at(0.5), p95: at(0.95) };
  }

  /** Forgets the uploads so far. */
  reset(): void {
    this.batches.length = 0;
    this.#times = [];
    Object.assign(this.counts, { answered: 0, refused: 0, failed: 0 });
  }

  #remember(batch: Batch): void {
    this.counts.answered += 1;
    this.batches.unshift(batch);
    this.batches.length = Math.min(this.batches.length, LISTED);
    this.#times.push({ at: batch.at, durationMs: batch.durationMs });
    if (this.#times.length > TIMES) this.#times.shift();
  }
}

/** The float32s of a vector, little-endian, in base64. */
function base64Of({ buffer, byteOffset, byteLength }: Float32Array): string {
  return Buffer.from(buffer, byteOffset, byteLength).toString('base64');
}

/** What the routes of uploads work with. */
export interface Desk {
  service: CacheService;
  uploads: Uploads;
  models: { texts: ExampleModel<string>; images: ExampleModel<Uint8Array> };
}
