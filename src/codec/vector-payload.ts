import type { Compressors } from './compressors.js';
import { decodeExponent, encodeExponent } from './exponent.js';
import { type Compression, MODE } from './modes.js';
import { decodePlanes, encodePlanes, someNoisePlaneShrinks, splitPlanes } from './planes.js';

/** What a vector's record holds. */
export interface VectorPayload {
  mode: number;
  payload: Uint8Array;
}

/** The smallest payload that the asked compression allows, never larger than raw. */
export function encodeVector(bits: Uint32Array, compression: Compression, compressors: Compressors): VectorPayload {
  const raw: VectorPayload = {
    mode: MODE.raw,
    payload: new Uint8Array(bits.buffer, bits.byteOffset, bits.byteLength),
  };
  if (compression === 'none') return raw;

  let best = raw;
  if (compression === 'auto') {
    const payload = encodeExponent(bits, raw.payload.length);
    // Its own limit is an estimate that leaves the streams' padding out.
    if (payload !== undefined && payload.length < best.payload.length) best = { mode: MODE.exponent, payload };
  }
  const planes = splitPlanes(bits);
  if (compression !== 'auto' || best === raw || someNoisePlaneShrinks(planes)) {
    const payload = encodePlanes(planes, compression, compressors);
    if (payload.length < best.payload.length) best = { mode: MODE.planes, payload };
  }
  return best;
}

/** Decodes a payload into `bits`, a vector's elements as they lie in memory; a string says why not. */
export function decodeVector(
  mode: number,
  payload: Uint8Array,
  bits: Uint32Array,
  compressors: Compressors,
): 'mode' | 'payload' | 'unsupported' | undefined {
  switch (mode) {
    case MODE.raw:
      if (payload.length !== bits.byteLength) return 'payload';
      new Uint8Array(bits.buffer, bits.byteOffset, bits.byteLength).set(payload);
      return undefined;
    case MODE.planes:
      return decodePlanes(payload, bits, compressors);
    case MODE.exponent:
      return decodeExponent(payload, bits) ? undefined : 'payload';
    default:
      return 'mode';
  }
}
