import requireOptional from '#require';
import { zstdFramePromises } from './zstd-frame.js';

/**
 * The `length` bytes that `bytes` decompress to; undefined (or a throw) where they do not.
 * Allocates `length` at most.
 */
export type Decompress = (bytes: Uint8Array, length: number) => Uint8Array | undefined;

/** What other caches compress with. Undefined where it is not installed. */
export interface Decompressors {
  /** A bare block. */
  lz4: Decompress | undefined;
  zstd: Decompress | undefined;
}

type Lz4 = typeof import('lz4-napi');

/** The part of zstd-napi that is used: its own types are not there where it could not be built. */
interface ZstdNapi {
  Decompressor: new () => { decompress(bytes: Uint8Array): Uint8Array };
}

/**
 * The part of node:zlib that exists from Node 22.15 on and that older type packages do not know.
 */
interface ZlibZstd {
  zstdDecompressSync?(bytes: Uint8Array, options: { maxOutputLength: number }): Buffer;
}

const LITTLE_ENDIAN_U32 = 4;

const MISSING = 'Values of the older cache cannot be read and count as refused';
export const ZSTD_MISSING = `${MISSING}: they are compressed with zstd, which needs Node 22.15 or newer, or: npm install zstd-napi`;
export const LZ4_MISSING = `${MISSING}: if they are compressed with lz4, npm install lz4-napi`;

let loaded: Decompressors | undefined;

/** Loads what is installed, once. */
export function loadDecompressors(): Decompressors {
  loaded ??= { lz4: loadLz4(), zstd: zstdOfNode() ?? zstdNapi() };
  return loaded;
}

function optional<T>(id: string): T | undefined {
  try {
    return requireOptional(id) as T;
  } catch {
    return undefined;
  }
}

/** lz4-napi reads the size from before the block and trusts it: the size it gets here is ours. */
function loadLz4(): Decompress | undefined {
  const lz4 = optional<Lz4>('lz4-napi');
  return (
    lz4 &&
    ((bytes, length) => {
      const sized = Buffer.allocUnsafe(LITTLE_ENDIAN_U32 + bytes.length);
      sized.writeUInt32LE(length, 0);
      sized.set(bytes, LITTLE_ENDIAN_U32);
      const out = lz4.uncompressSync(sized);
      return out.length === length ? out : undefined;
    })
  );
}

function zstdOfNode(): Decompress | undefined {
  const decompress = optional<ZlibZstd>('node:zlib')?.zstdDecompressSync;
  return (
    decompress &&
    ((bytes, length) => exactly(length, bytes, () => decompress(bytes, { maxOutputLength: Math.max(1, length) })))
  );
}

function zstdNapi(): Decompress | undefined {
  const zstd = optional<ZstdNapi>('zstd-napi');
  if (zstd === undefined) return undefined;
  // An instance of our own: the module-level functions share one context, and a bad input would
  // stay in it.
  const decompressor = new zstd.Decompressor();
  return (bytes, length) => exactly(length, bytes, () => decompressor.decompress(bytes));
}

/** Decompresses what is one frame that promises `length` bytes, and keeps the promise. */
function exactly(length: number, frame: Uint8Array, decompress: () => Uint8Array): Uint8Array | undefined {
  if (!zstdFramePromises(frame, length)) return undefined;
  const out = decompress();
  return out.length === length ? out : undefined;
}
