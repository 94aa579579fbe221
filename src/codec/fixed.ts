import { ROUND } from './rounding.js';
import { MAX_PATCHES, patchesAscend, readU16 } from './streams.js';

/**
 * The float16 and the int8 mode (docs/format.md section 2.7): a fixed width for every element, and patches that hold the few whole
 * that it has no room for.
 */
const PATCH = 6;
const INT8_SCALE = 4;
const MAX_INT8 = 127;

/** The least magnitude that rounds to infinity in a float16: 65,520. */
const FLOAT16_OVERFLOW = 0x477ff000;
const FLOAT16_LEAST_NORMAL = 0x38800000;
const INFINITY = 0x7f800000;

/** An element of so many octaves above the middle one would coarsen the others, if they had to share its scale. */
const OUTLYING_OCTAVES = 5;

/** Writes the elements of a magnitude (as bits) of `from` or above, at `at`. */
function writePatches(payload: Uint8Array, at: number, bits: Uint32Array, from: number): void {
  const view = new DataView(payload.buffer, payload.byteOffset);
  let p = at;
  for (let i = 0; i < bits.length; i++) {
    if (((bits[i] as number) & 0x7fffffff) < from) continue;
    view.setUint16(p, i, true);
    view.setUint32(p + 2, bits[i] as number, true);
    p += PATCH;
  }
}

/** How many they are. */
function countFrom(bits: Uint32Array, from: number): number {
  let count = 0;
  for (let i = 0; i < bits.length; i++) if (((bits[i] as number) & 0x7fffffff) >= from) count++;
  return count;
}

function applyPatches(payload: Uint8Array, at: number, count: number, bits: Uint32Array): void {
  const view = new DataView(payload.buffer, payload.byteOffset);
  for (let p = at; p < at + PATCH * count; p += PATCH) bits[readU16(payload, p)] = view.getUint32(p + 2, true);
}

/** The payload; undefined where too many elements have no float16. */
export function encodeFloat16(bits: Uint32Array): Uint8Array | undefined {
  const n = bits.length;
  const patches = countFrom(bits, FLOAT16_OVERFLOW);
  if (patches > MAX_PATCHES) return undefined;
  const floats = new Float32Array(bits.buffer, bits.byteOffset, n);
  const payload = new Uint8Array(1 + PATCH * patches + 2 * n);
  payload[0] = patches;
  writePatches(payload, 1, bits, FLOAT16_OVERFLOW);
  let at = 1 + PATCH * patches;
  for (let i = 0; i < n; i++) {
    const x = bits[i] as number;
    const magnitude = x & 0x7fffffff;
    let half = 0;
    if (magnitude >= FLOAT16_OVERFLOW)
      half = 0; // patched
    else if (magnitude >= FLOAT16_LEAST_NORMAL) {
      // To nearest: half of the last place is added, one less where that would round a tie up from even.
      half = (magnitude - (112 << 23) + 0xfff + ((magnitude >>> 13) & 1)) >>> 13;
    } else half = Math.abs(floats[i] as number) * 2 ** 24 + ROUND - ROUND;
    half |= (x >>> 16) & 0x8000;
    payload[at++] = half;
    payload[at++] = half >>> 8;
  }
  return payload;
}

/** Decodes a payload into `bits`; false where it is not one. */
export function decodeFloat16(payload: Uint8Array, bits: Uint32Array): boolean {
  const n = bits.length;
  const patches = payload[0] as number;
  let at = 1 + PATCH * patches;
  if (payload.length !== at + 2 * n || !patchesAscend(payload, 1, patches, PATCH, n)) return false;
  for (let i = 0; i < n; i++) {
    const low = payload[at] as number;
    const high = payload[at + 1] as number;
    at += 2;
    const half = ((high & 0x7f) << 8) | low;
    let magnitude = (half << 13) + (112 << 23);
    if (half < 0x0400) magnitude = subnormalHalf(half);
    else if (half > 0x7c00)
      magnitude = INFINITY | 0x00400000 | (half << 13); // a NaN becomes a quiet one
    else if (half === 0x7c00) magnitude = INFINITY;
    bits[i] = magnitude | ((high & 0x80) << 24);
  }
  applyPatches(payload, 1, patches, bits);
  return true;
}

/** The bits of `half` x 2^-24. */
function subnormalHalf(half: number): number {
  if (half === 0) return 0;
  const top = 31 - Math.clz32(half);
  return ((top + 103) << 23) | ((half << (23 - top)) & 0x7fffff);
}

/** The payload; undefined where too many elements are not finite, or their scale would be no normal float32. */
export function encodeInt8(bits: Uint32Array): Uint8Array | undefined {
  const n = bits.length;
  const from = outlyingFrom(bits);
  const patches = countFrom(bits, from);
  if (patches > MAX_PATCHES) return undefined;
  let largest = 0;
  for (let i = 0; i < n; i++) {
    const magnitude = (bits[i] as number) & 0x7fffffff;
    if (magnitude > largest && magnitude < from) largest = magnitude;
  }
  const scale = Math.fround(floatOf(largest) / MAX_INT8);
  if (largest !== 0 && !(scale >= 2 ** -126 && Number.isFinite(Math.fround(MAX_INT8 * scale)))) return undefined;

  const floats = new Float32Array(bits.buffer, bits.byteOffset, n);
  const perScale = largest === 0 ? 0 : 1 / scale;
  const payload = new Uint8Array(INT8_SCALE + 1 + PATCH * patches + n);
  new DataView(payload.buffer).setFloat32(0, scale, true);
  payload[INT8_SCALE] = patches;
  writePatches(payload, INT8_SCALE + 1, bits, from);
  let at = INT8_SCALE + 1 + PATCH * patches;
  for (let i = 0; i < n; i++) {
    const isPatched = ((bits[i] as number) & 0x7fffffff) >= from;
    const q = isPatched ? 0 : (floats[i] as number) * perScale + ROUND - ROUND;
    payload[at++] = Math.max(-MAX_INT8, Math.min(MAX_INT8, q));
  }
  return payload;
}

/** Decodes a payload into `bits`; false where it is not one. */
export function decodeInt8(payload: Uint8Array, bits: Uint32Array): boolean {
  const n = bits.length;
  const patches = payload[INT8_SCALE] as number;
  const start = INT8_SCALE + 1 + PATCH * patches;
  if (payload.length !== start + n || !patchesAscend(payload, INT8_SCALE + 1, patches, PATCH, n)) return false;
  const scale = new DataView(payload.buffer, payload.byteOffset).getFloat32(0, true);
  if (!Number.isFinite(scale)) return false;
  const floats = new Float32Array(bits.buffer, bits.byteOffset, n);
  for (let i = 0; i < n; i++) floats[i] = (((payload[start + i] as number) << 24) >> 24) * scale;
  applyPatches(payload, INT8_SCALE + 1, patches, bits);
  return true;
}

/** The magnitude, as bits, from which elements are patched: those far above the middle one where they are few, else those not finite. */
function outlyingFrom(bits: Uint32Array): number {
  const n = bits.length;
  const counts = new Uint32Array(256);
  for (let i = 0; i < n; i++) {
    const e = ((bits[i] as number) >>> 23) & 0xff;
    counts[e] = (counts[e] as number) + 1;
  }
  let middle = 0;
  for (let below = counts[0] as number; 2 * below < n; below += counts[middle] as number) middle++;
  const first = Math.min(0xff, middle + OUTLYING_OCTAVES);
  let outliers = 0;
  for (let e = first; e < 256; e++) outliers += counts[e] as number;
  return outliers > Math.min(MAX_PATCHES, n >> 6) ? INFINITY : first << 23;
}

const float = new Float32Array(1);
const floatBits = new Uint32Array(float.buffer);

function floatOf(bits: number): number {
  floatBits[0] = bits;
  return float[0] as number;
}
