import requireOptional from '#require';

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
    setParameters(parameters: { compressionLevel: number; strategy?: 'fast'; minMatch?: number }): void;
    compress(bytes: Uint8Array): Uint8Array;
  };
  Decompressor: new () => { decompress(bytes: Uint8Array): Uint8Array };
}

/** The part of node:zlib that exists from Node 22.15 on and that older type packages do not know. */
interface ZlibZstd {
  zstdCompressSync?(bytes: Uint8Array, options: { params: Record<number, number> }): Buffer;
  zstdDecompressSync?(bytes: Uint8Array, options: { maxOutputLength: number }): Buffer;
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

function loadZstd(purpose: 'value' | 'plane'): Compressor | undefined {
  return zstdOfNode(purpose) ?? zstdNapi(purpose);
}

function zstdOfNode(purpose: 'value' | 'plane'): Compressor | undefined {
  const zlib = optional<ZlibZstd>('node:zlib');
  const { zstdCompressSync, zstdDecompressSync } = zlib ?? {};
  if (zstdCompressSync === undefined || zstdDecompressSync === undefined) return undefined;
  // The numbers are zstd's own (zstd.h): 100 compressionLevel, 105 minMatch, 107 strategy (1 fast).
  const params = purpose === 'value' ? { 100: VALUE_LEVEL } : { 100: 1, 105: 7, 107: 1 };
  return {
    compress: (bytes) => zstdCompressSync(bytes, { params }),
    decompress: (bytes, length) =>
      exactly(length, bytes, () => zstdDecompressSync(bytes, { maxOutputLength: Math.max(1, length) })),
  };
}

function zstdNapi(purpose: 'value' | 'plane'): Compressor | undefined {
  const zstd = optional<ZstdNapi>('zstd-napi');
  if (zstd === undefined) return undefined;
  // Instances of our own: the module-level functions share one context, and a bad input would stay in it.
  const compressor = new zstd.Compressor();
  compressor.setParameters(
    purpose === 'value' ? { compressionLevel: VALUE_LEVEL } : { compressionLevel: 1, strategy: 'fast', minMatch: 7 },
  );
  const decompressor = new zstd.Decompressor();
  return {
    compress: (bytes) => compressor.compress(bytes),
    decompress: (bytes, length) => exactly(length, bytes, () => decompressor.decompress(bytes)),
  };
}

/** Decompresses a frame only where its header promises `length` bytes, and keeps the promise. */
function exactly(length: number, frame: Uint8Array, decompress: () => Uint8Array): Uint8Array | undefined {
  if (zstdContentSize(frame) !== length) return undefined;
  const out = decompress();
  return out.length === length ? out : undefined;
}

/** The content size in a zstd frame's header (RFC 8878, 3.1.1.1); undefined for none, a dictionary, or no frame. */
export function zstdContentSize(frame: Uint8Array): number | undefined {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (frame.length < 6 || view.getUint32(0, true) !== 0xfd2fb528) return undefined;
  const descriptor = view.getUint8(4);
  const singleSegment = (descriptor & 0x20) !== 0;
  if ((descriptor & 0x0b) !== 0) return undefined; // a dictionary ID or the reserved bit
  const at = singleSegment ? 5 : 6;
  const width = [singleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] as number;
  if (width === 0 || frame.length < at + width) return undefined;
  if (width === 1) return view.getUint8(at);
  if (width === 2) return view.getUint16(at, true) + 256;
  if (width === 4) return view.getUint32(at, true);
  return Number(view.getBigUint64(at, true));
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
