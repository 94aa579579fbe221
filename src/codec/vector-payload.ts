import type { Compressors } from './compressors.js';
import { decodeDecimal } from './decimal.js';
import type { VectorForm } from './engine.js';
import { decodeExponent, encodeExponent } from './exponent.js';
import { decodeFloat16, decodeInt8, encodeFloat16, encodeInt8 } from './fixed.js';
import { decodeGrid } from './grid.js';
import { type Compression, MODE, type Precision } from './modes.js';
import { type Payload, payloadOf } from './payload.js';
import { decodePlanes, encodePlanes, someNoisePlaneShrinks, splitPlanes } from './planes.js';
import { float32Below } from './precision.js';
import { encodeLooking, encodeRemembered } from './structure.js';
import { decodeWithin, encodeWithin } from './within.js';

/**
 * The smallest payload that the form allows, never larger than raw. What a lossy form has no room for is stored exactly. What is
 * exact or bounded is decoded and compared first: whatever failed to give the vector back is not stored.
 */
export function encodeVector(bits: Uint32Array, form: VectorForm, compressors: Compressors): Payload {
  const chosen = choose(bits, form, compressors);
  return givesBack(chosen, bits, form.precision, compressors) ? chosen : rawOf(bits);
}

function choose(bits: Uint32Array, form: VectorForm, compressors: Compressors): Payload {
  if (form.precision === 'exact') return encodeExact(bits, form.compression, form.memory, compressors);
  const lossy = encodeLossy(bits, form.precision);
  // Patches can make a few elements larger than they were.
  if (lossy === undefined || lossy.payload.length >= bits.byteLength)
    return encodeExact(bits, 'auto', form.memory, compressors);
  if (lossy.mode !== MODE.steps) return lossy;
  // What was rounded before may be smaller as it is than rounded once more.
  const structured = encodeRemembered(bits, form.memory);
  if (structured === 'look') return encodeLooking(bits, form.memory, lossy);
  return structured !== undefined && structured.payload.length < lossy.payload.length ? structured : lossy;
}

let decoded = new Uint32Array(0);

function givesBack(
  { mode, payload }: Payload,
  bits: Uint32Array,
  precision: Precision,
  compressors: Compressors,
): boolean {
  // Fixed widths code nothing that could go wrong on the way.
  if (mode === MODE.raw || mode === MODE.float16 || mode === MODE.int8) return true;
  if (decoded.length !== bits.length) decoded = new Uint32Array(bits.length);
  if (decodeVector(mode, payload, decoded, compressors) !== undefined) return false;
  if (mode === MODE.steps && typeof precision === 'object') return isWithin(precision.maxError, bits, decoded);
  for (let i = 0; i < bits.length; i++) if (bits[i] !== decoded[i]) return false;
  return true;
}

function isWithin(bound: number, bits: Uint32Array, others: Uint32Array): boolean {
  const floats = new Float32Array(bits.buffer, bits.byteOffset, bits.length);
  const otherFloats = new Float32Array(others.buffer, others.byteOffset, others.length);
  for (let i = 0; i < floats.length; i++)
    if (!(Math.abs((floats[i] as number) - (otherFloats[i] as number)) <= bound)) return false;
  return true;
}

function rawOf(bits: Uint32Array): Payload {
  return { mode: MODE.raw, payload: new Uint8Array(bits.buffer, bits.byteOffset, bits.byteLength) };
}

function encodeLossy(bits: Uint32Array, precision: Exclude<Precision, 'exact'>): Payload | undefined {
  if (precision === 'float16') return payloadOf(MODE.float16, encodeFloat16(bits));
  if (precision === 'int8') return payloadOf(MODE.int8, encodeInt8(bits));
  return payloadOf(MODE.steps, encodeWithin(bits, float32Below(precision.maxError)));
}

function encodeExact(
  bits: Uint32Array,
  compression: Compression,
  memory: Uint32Array,
  compressors: Compressors,
): Payload {
  if (compression !== 'auto') return encodeUnstructured(bits, compression, compressors);
  const structured = encodeRemembered(bits, memory);
  if (typeof structured === 'object') return structured;
  const unstructured = encodeUnstructured(bits, compression, compressors);
  return structured === 'look' ? encodeLooking(bits, memory, unstructured) : unstructured;
}

/** What any vector can be stored as, never larger than raw. */
function encodeUnstructured(bits: Uint32Array, compression: Compression, compressors: Compressors): Payload {
  const raw = rawOf(bits);
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

/** Decodes a payload of an accepted mode into `bits`, a vector's elements as they lie in memory; a string says why not. */
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
    case MODE.grid:
      return decodeGrid(payload, bits) ? undefined : 'payload';
    case MODE.steps:
      return decodeWithin(payload, bits) ? undefined : 'payload';
    case MODE.decimal:
      return decodeDecimal(payload, bits) ? undefined : 'payload';
    case MODE.float16:
      return decodeFloat16(payload, bits) ? undefined : 'payload';
    case MODE.int8:
      return decodeInt8(payload, bits) ? undefined : 'payload';
    default:
      return 'mode';
  }
}
