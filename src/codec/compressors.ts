import requireOptional from '#require';
import { zstdFramePromises } from './zstd-frame.js';

/** A general compressor as the portable engine uses it. Absent libraries cost their modes, never the engine. */
export interface Compressor {
  compress(bytes: Uint8Array): Uint8Array;
  /** The `length` bytes that `bytes` decompress to; undefined (or a throw) where they do not. Allocates `length` at most. */
  decompress(bytes: Uint8Array, length: number): Uint8Array | undefined;
}

/** zstd is asked to spend its bits on entropy coding alone for planes (a match in noise costs more than it saves). */
export interface Compressors {
  lz4: Compressor | undefined;
  zstd: Compressor | undefined;
  zstdPlane: Compressor | undefined;
}

type Lz4 = typeof import('lz4-napi');

/** The part of zstd-napi that is used: its own types are not there where it could not be built. */
interface ZstdNapi {
  Compressor: new () => {
    setParameters(parameters: {
      compressionLevel: number;
      strategy?: 'fast';
      minMatch?: number;
      dictIDFlag?: boolean;
    }): void;
    loadDictionary(bytes: Uint8Array): void;
    compress(bytes: Uint8Array): Uint8Array;
  };
  Decompressor: new () => { loadDictionary(bytes: Uint8Array): void; decompress(bytes: Uint8Array): Uint8Array };
}

/** The part of node:zlib that exists from Node 22.15 on and that older type packages do not know. */
interface ZlibZstd {
  zstdCompressSync?(bytes: Uint8Array, options: { params: Record<number, number>; dictionary?: Buffer }): Buffer;
  zstdDecompressSync?(bytes: Uint8Array, options: { maxOutputLength: number; dictionary?: Buffer }): Buffer;
}

const VALUE_LEVEL = 3;
const LITTLE_ENDIAN_U32 = 4;

/** Loads what is installed, once. */
export function loadCompressors(): Compressors {
  loaded ??= { lz4: loadLz4(), zstd: loadZstd('value'), zstdPlane: loadZstd('plane') };
  return loaded;
}

let loaded: Compressors | undefined;

function optional<T>(id: string): T | undefined {
  try {
    return requireOptional(id) as T;
  } catch {
    return undefined;
  }
}

/** lz4-napi puts the size before the block and trusts it: records hold the bare block, and the size it gets here is ours. */
function loadLz4(): Compressor | undefined {
  const lz4 = optional<Lz4>('lz4-napi');
  if (lz4 === undefined) return undefined;
  return {
    compress: (bytes) => lz4.compressSync(asBuffer(bytes)).subarray(LITTLE_ENDIAN_U32),
    decompress(bytes, length) {
      const sized = Buffer.allocUnsafe(LITTLE_ENDIAN_U32 + bytes.length);
      sized.writeUInt32LE(length, 0);
      sized.set(bytes, LITTLE_ENDIAN_U32);
      const out = lz4.uncompressSync(sized);
      return out.length === length ? out : undefined;
    },
  };
}

type Purpose = 'value' | 'plane';

/** @param dictionary bytes that a frame and its reader share: what throws where it is none is its first use */
export function loadZstd(purpose: Purpose, dictionary?: Uint8Array): Compressor | undefined {
  return zstdOfNode(purpose, dictionary) ?? zstdNapi(purpose, dictionary);
}

function zstdOfNode(purpose: Purpose, bytes: Uint8Array | undefined): Compressor | undefined {
  const zlib = optional<ZlibZstd>('node:zlib');
  const { zstdCompressSync, zstdDecompressSync } = zlib ?? {};
  if (zstdCompressSync === undefined || zstdDecompressSync === undefined) return undefined;
  const shared = bytes && { dictionary: asBuffer(bytes) };
  if (shared && !heedsDictionaries(zstdCompressSync)) return undefined;
  // The numbers are zstd's own (zstd.h): 100 compressionLevel, 105 minMatch, 107 strategy (1 fast), 202 dictIDFlag.
  const params = purpose === 'value' ? { 100: VALUE_LEVEL, 202: 0 } : { 100: 1, 105: 7, 107: 1 };
  return {
    compress: (bytes) => zstdCompressSync(bytes, { params, ...shared }),
    decompress: (bytes, length) =>
      exactly(length, bytes, () => zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, length), ...shared })),
  };
}

/** Node before 22.19 and 24.6 passes the option over, and writes what a reader who has the dictionary reads all the same. */
function heedsDictionaries(compress: Required<ZlibZstd>['zstdCompressSync']): boolean {
  const dictionary = Buffer.from('What is all in the dictionary takes a few bytes.');
  return compress(dictionary, { params: {}, dictionary }).length < dictionary.length;
}

function zstdNapi(purpose: Purpose, dictionary: Uint8Array | undefined): Compressor | undefined {
  const zstd = optional<ZstdNapi>('zstd-napi');
  if (zstd === undefined) return undefined;
  // Instances of our own: the module-level functions share one context, and a bad input would stay in it.
  const compressor = new zstd.Compressor();
  compressor.setParameters(
    purpose === 'value'
      ? { compressionLevel: VALUE_LEVEL, dictIDFlag: false }
      : { compressionLevel: 1, strategy: 'fast', minMatch: 7 },
  );
  const decompressor = new zstd.Decompressor();
  if (dictionary) {
    compressor.loadDictionary(dictionary);
    decompressor.loadDictionary(dictionary);
  }
  return {
    compress: (bytes) => compressor.compress(bytes),
    decompress: (bytes, length) => exactly(length, bytes, () => decompressor.decompress(bytes)),
  };
}

/** Decompresses what is one frame that promises `length` bytes, and keeps the promise. */
function exactly(length: number, frame: Uint8Array, decompress: () => Uint8Array): Uint8Array | undefined {
  if (!zstdFramePromises(frame, length)) return undefined;
  const out = decompress();
  return out.length === length ? out : undefined;
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
