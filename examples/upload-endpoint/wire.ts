// What the server and the page tell each other.

export type Kind = 'texts' | 'images';
export type Status = 'hit' | 'miss';

export interface Item {
  /** A text's place in the request, or a file's name: the answer repeats no text. */
  name: string;
  status: Status;
  /** The beginning of SHA-256 over the vector's bytes: the same where two vectors are the same bit for bit. */
  digest: string;
  /** The beginning of the vector. */
  vector: number[];
}

/** The answer to an upload. Hits and misses count each distinct input once. */
export interface UploadAnswer {
  count: number;
  hits: number;
  misses: number;
  durationMs: number;
  dimensions: number;
  model: string;
  items: Item[];
  /** The vectors, where they were asked for: little-endian float32s in base64. */
  vectors?: string[];
}

/** The answer to whatever is refused or fails. */
export interface ErrorAnswer {
  error: { code: string; message: string; field?: string };
}

/** One upload, as the page lists it. */
export interface Batch {
  id: number;
  /** Milliseconds since 1970. */
  at: number;
  kind: Kind;
  count: number;
  hits: number;
  misses: number;
  durationMs: number;
}

/** One second of the charts. null is nothing to tell: no lookup, no upload. */
export interface Point {
  at: number;
  /** 0 to 1, of the lookups of the last minute. */
  hitRate: number | null;
  /** Milliseconds that the uploads of the last minute took. */
  p50: number | null;
  p95: number | null;
}

export interface Breaker {
  what: string;
  isOpen: boolean;
}

export interface Tiers {
  l1: number;
  queued: number;
  l2: number;
  missing: number;
}

/** Everything that the page shows, since the server started or the last reset where nothing else is said. */
export interface Snapshot {
  point: Point;
  hits: number;
  misses: number;
  /** 0 to 1. */
  hitRate: number | null;
  uploads: { answered: number; refused: number; failed: number };
  /** `raw` is what the vectors read would take as float32s. */
  bytes: { read: number; raw: number };
  /** null where no model told of tokens. */
  tokensSaved: number | null;
  /** Dollars; null where no price was given. */
  moneySaved: number | null;
  tiers: Tiers;
  breakers: Breaker[];
  /** Whether what keeps the vectors answers. */
  isStoreUp: boolean;
  batches: Batch[];
  /** How often the figures were set back. */
  resets: number;
}

/** What a page learns first. */
export interface Hello {
  store: string;
  models: Record<Kind, string>;
  points: Point[];
}
