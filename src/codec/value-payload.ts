import type { Compressors } from './compressors.js';
import { type Compression, MODE } from './modes.js';
import type { Payload } from './payload.js';

/** Below this, a compressor's own header eats what it could save. */
const WORTH_COMPRESSING_BYTES = 64;

/** The msgpack of a value, compressed where that wins. 'auto' is zstd, or lz4 where there is no zstd. */
export function encodeValue(bytes: Uint8Array, compression: Compression, compressors: Compressors): Payload {
  if (compression !== 'none' && bytes.length >= WORTH_COMPRESSING_BYTES) {
    const useZstd = compression !== 'lz4' && compressors.zstd !== undefined;
    const compressor = useZstd ? compressors.zstd : compression === 'zstd' ? undefined : compressors.lz4;
    const payload = compressor?.compress(bytes);
    if (payload !== undefined && payload.length < bytes.length) {
      return { mode: useZstd ? MODE.valueZstd : MODE.valueLz4, payload };
    }
  }
  return { mode: MODE.value, payload: bytes };
}

/** The `length` bytes of msgpack in a payload, in memory of their own; a string says why not. */
export function decodeValue(
  mode: number,
  payload: Uint8Array,
  length: number,
  compressors: Compressors,
): Uint8Array | 'mode' | 'payload' | 'unsupported' {
  if (mode === MODE.value) return payload.length === length ? payload.slice() : 'payload';
  if (mode !== MODE.valueLz4 && mode !== MODE.valueZstd) return 'mode';
  const compressor = mode === MODE.valueLz4 ? compressors.lz4 : compressors.zstd;
  if (compressor === undefined) return 'unsupported';
  return compressor.decompress(payload, length) ?? 'payload';
}
