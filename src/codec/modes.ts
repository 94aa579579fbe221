/** The modes of docs/format.md section 2, by number. A new way to store a vector takes a free number and a case in vector-payload.ts. */
export const MODE = {
  raw: 0x00,
  planes: 0x08,
  exponent: 0x10,
  grid: 0x20,
  steps: 0x30,
  decimal: 0x31,
  float16: 0x40,
  int8: 0x41,
  value: 0x70,
  valueLz4: 0x71,
  valueZstd: 0x72,
  valueDictionary: 0x73,
  sealed: 0x7e,
  /** Read, and no longer written. */
  sealedOld: 0x7f,
} as const;

/** Which general compressor stands behind the planes, or 'auto' for the smallest of everything. */
export type Compression = 'auto' | 'none' | 'lz4' | 'zstd';

/** In the order of the numbers that cross to the native engine. */
export const COMPRESSIONS = ['auto', 'none', 'lz4', 'zstd'] as const satisfies readonly Compression[];

/** A vector's length fits a u16, and so does every offset inside its payload. */
export const MAX_DIMENSIONS = 0xffff;

/** The most bytes that the msgpack of one value may have in a record. */
export const MAX_VALUE_BYTES = 64 * 1024 * 1024;

/** The most bytes of msgpack that a codec writes and reads, where it is not told. */
export const DEFAULT_VALUE_BYTES = 16 * 1024 * 1024;

/**
 * How much of a vector must come back: 'exact' is bit for bit; 'float16' and 'int8' are what their names say, every element
 * rounded; `maxError` is the furthest, in the vector's own unit, that any element may end from what it was.
 */
export type Precision = 'exact' | 'float16' | 'int8' | { maxError: number };

/** What a dictionary for values may take, in bytes. */
export const DICTIONARY_BYTES = { least: 8, most: 1024 * 1024 } as const;
