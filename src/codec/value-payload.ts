import type { Compressors } from './compressors.js';
import { type Dictionary, findDictionary } from './dictionaries.js';
import { type Compression, MODE } from './modes.js';
import type { Payload } from './payload.js';

/** Below this, a compressor's own header eats what it could save. */
const WORTH_COMPRESSING_BYTES = 64;

/** The bytes of a dictionary's number. */
const NUMBER_BYTES = 4;

/** The msgpack of a value, compressed where that wins. 'auto' is zstd, or lz4 where there is no zstd. */
export function encodeValue(
  bytes: Uint8Array,
  compression: Compression,
  compressors: Compressors,
  dictionary: Dictionary | undefined,
): Payload {
  const packed = dictionary?.zstd
    ? withDictionary(dictionary.number, dictionary.zstd.compress(bytes))
    : compressed(bytes, compression, compressors);
  return packed && packed.payload.length < bytes.length ? packed : { mode: MODE.value, payload: bytes };
}

function withDictionary(number: number, frame: Uint8Array): Payload {
  const payload = new Uint8Array(NUMBER_BYTES + frame.length);
  new DataView(payload.buffer).setUint32(0, number, true);
  payload.set(frame, NUMBER_BYTES);
  return { mode: MODE.valueDictionary, payload };
}

function compressed(bytes: Uint8Array, compression: Compression, { lz4, zstd }: Compressors): Payload | undefined {
  if (compression === 'none' || bytes.length < WORTH_COMPRESSING_BYTES) return undefined;
  if (compression !== 'lz4' && zstd) return { mode: MODE.valueZstd, payload: zstd.compress(bytes) };
  return compression !== 'zstd' && lz4 ? { mode: MODE.valueLz4, payload: lz4.compress(bytes) } : undefined;
}

/** The `length` bytes of msgpack in a payload, in memory of their own; a string says why not. */
export function decodeValue(
  mode: number,
  payload: Uint8Array,
  length: number,
  compressors: Compressors,
): Uint8Array | 'mode' | 'payload' | 'unsupported' {
  if (mode === MODE.value) return payload.length === length ? payload.slice() : 'payload';
  if (mode === MODE.valueDictionary) return decodeWithDictionary(payload, length);
  if (mode !== MODE.valueLz4 && mode !== MODE.valueZstd) return 'mode';
  const compressor = mode === MODE.valueLz4 ? compressors.lz4 : compressors.zstd;
  if (compressor === undefined) return 'unsupported';
  return compressor.decompress(payload, length) ?? 'payload';
}

function decodeWithDictionary(payload: Uint8Array, length: number): Uint8Array | 'payload' | 'unsupported' {
  if (payload.length < NUMBER_BYTES) return 'payload';
  const number = new DataView(payload.buffer, payload.byteOffset).getUint32(0, true);
  const compressor = findDictionary(number)?.zstd;
  if (compressor === undefined) return 'unsupported';
  return compressor.decompress(payload.subarray(NUMBER_BYTES), length) ?? 'payload';
}
