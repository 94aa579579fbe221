/** Modes of docs/format.md section 2 that are not an engine's: records in records. */
export const SEALED = 0x7e;
/** Read, and no longer written. */
export const SEALED_OLD = 0x7f;

/** Which general compressor stands behind the planes, or 'auto' for the smallest of everything. */
export type Compression = 'auto' | 'none' | 'lz4' | 'zstd';

/** In the order of the numbers that cross to an engine. */
export const COMPRESSIONS = ['auto', 'none', 'lz4', 'zstd'] as const satisfies readonly Compression[];

/** A vector's length fits a u16, and so does every offset inside its payload. */
export const MAX_DIMENSIONS = 0xffff;

/** The most bytes that the msgpack of one value may have in a record. */
export const MAX_VALUE_BYTES = 64 * 1024 * 1024;

/** The most bytes of msgpack that a codec writes and reads, where it is not told. */
export const DEFAULT_VALUE_BYTES = 16 * 1024 * 1024;

/**
 * How much of a vector must come back: 'exact' is bit for bit; 'float16' and 'int8' are what their
 * names say, every element rounded; `maxError` is the furthest, in the vector's own unit, that any
 * element may end from what it was.
 */
export type Precision = 'exact' | 'float16' | 'int8' | { maxError: number };

/**
 * The smallest `maxError`: below the smallest normal float32, a bound would have few bits itself.
 */
export const MIN_MAX_ERROR = 1e-37;

/** What a dictionary for values may take, in bytes. */
export const DICTIONARY_BYTES = { min: 8, max: 1024 * 1024 } as const;
