/** How many bytes a record takes: the formulas of docs/sizing.md, which a test holds to what the codec writes. */
export type Source = 'float32' | 'scaled float16';
export type Precision = 'exact' | 'maxError' | 'float16' | 'int8';

export interface Choice {
  dimensions: number;
  source: Source;
  precision: Precision;
  /** For `'maxError'`: the most by which an element may differ. */
  maxError: number;
}

/** Of a record, header and checksum included. Bounds are for vectors of length 1. */
export function recordBytes({ dimensions, source, precision, maxError }: Choice): number {
  const exact = source === 'float32' ? (26.6 * dimensions) / 8 + 36 : (13.6 * dimensions) / 8 + 32;
  if (precision === 'float16') return 2 * dimensions + 19;
  if (precision === 'int8') return dimensions + 23;
  if (precision === 'exact') return exact;
  const bits = Math.max(1, Math.log2(1 / (maxError * Math.sqrt(dimensions))) + 1.1);
  return Math.min(exact, (bits * dimensions) / 8 + 35);
}

/** An 82-character key in a block of its own, Redis's object and its entry in the table. */
const REDIS_OVERHEAD = 136;
const KEY = 82;
/** The key, the buffer's object and the links of the LRU, on V8's heap. */
const MEMORY_OVERHEAD = 570;

/** What each store takes for an entry with a key of 82 characters. */
export const STORES: Record<string, (record: number) => number> = {
  memory: (record) => record + MEMORY_OVERHEAD,
  Redis: (record) => jemallocBlock(record + 5) + REDIS_OVERHEAD,
  SQLite: (record) => sqliteShare(record + KEY + 20),
  'Upstash, Cloudflare KV': (record) => 4 * Math.ceil(record / 3) + KEY,
  DynamoDB: (record) => record + KEY + 110,
};

/** jemalloc has four sizes to each doubling. */
function jemallocBlock(bytes: number): number {
  const step = 2 ** Math.max(4, Math.floor(Math.log2(bytes - 1)) - 2);
  return Math.ceil(bytes / step) * step;
}

const PAGE = 8192;
/**
 * The least of a large row that lies in its leaf, and what an overflow page holds: SQLite's file
 * format, section 1.6.
 */
const LEAST_LOCAL = Math.floor(((PAGE - 12) * 32) / 255 - 23);
const OVERFLOW = PAGE - 4;
/** The key again in the index, the time of expiry and of use in theirs. */
const SQLITE_INDEXES = 138;

/** Rows share pages of 8 KiB; what is too large for one has overflow pages of its own. */
function sqliteShare(row: number): number {
  const isLarge = row > PAGE - 35;
  const local = isLarge ? LEAST_LOCAL + ((row - LEAST_LOCAL) % OVERFLOW) : row;
  const overflow = isLarge ? Math.floor((row - local) / OVERFLOW) * PAGE : 0;
  return PAGE / Math.floor((PAGE - 40) / local) + overflow + SQLITE_INDEXES;
}
