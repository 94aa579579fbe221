import { type Code, decodeStreams, encodeStream, type Streams } from './huffman.js';

/**
 * What the modes with coded symbols share (docs/format.md section 2.2): four streams, the lengths of three of them in the header,
 * and patches of three bytes.
 */
const STREAMS = 4;

/** What the streams take at most beyond their bits: each ends on a whole byte. */
export const STREAM_PADDING = STREAMS;

/** The bytes of the lengths in the header. */
export const STREAM_LENGTHS = 2 * (STREAMS - 1);

export const PATCH = 3;
export const MAX_PATCHES = 0xff;

/** Codes `n` symbols at `at`, and notes the lengths at `lengthsAt`; returns the offset after the streams. */
export function writeStreams(
  code: Code,
  symbols: Uint8Array,
  n: number,
  payload: Uint8Array,
  lengthsAt: number,
  at: number,
): number {
  const quarter = Math.ceil(n / STREAMS);
  let offset = at;
  for (let k = 0; k < STREAMS; k++) {
    const start = Math.min(n, k * quarter);
    const next = encodeStream(code, symbols, start, Math.min(n, start + quarter), payload, offset);
    if (k < STREAMS - 1) {
      payload[lengthsAt + 2 * k] = next - offset;
      payload[lengthsAt + 2 * k + 1] = (next - offset) >> 8;
    }
    offset = next;
  }
  return offset;
}

const found: Streams = {
  starts: new Uint32Array(STREAMS),
  limits: new Uint32Array(STREAMS),
  firsts: new Uint32Array(STREAMS + 1),
};

/** Decodes the streams between `at` and `end` into `symbols`; false unless they fill that exactly. */
export function readStreams(
  code: Code,
  payload: Uint8Array,
  lengthsAt: number,
  at: number,
  end: number,
  symbols: Uint8Array,
  n: number,
): boolean {
  const quarter = Math.ceil(n / STREAMS);
  let offset = at;
  for (let k = 0; k < STREAMS; k++) {
    found.starts[k] = offset;
    offset = k < STREAMS - 1 ? offset + readU16(payload, lengthsAt + 2 * k) : end;
    if (offset > end) return false;
    found.limits[k] = offset;
    found.firsts[k] = Math.min(n, k * quarter);
  }
  found.firsts[STREAMS] = n;
  return decodeStreams(code, payload, found, symbols);
}

/** Writes patch number `p` of those at `at`. */
export function writePatch(payload: Uint8Array, at: number, p: number, index: number, value: number): void {
  payload[at + PATCH * p] = index;
  payload[at + PATCH * p + 1] = index >> 8;
  payload[at + PATCH * p + 2] = value;
}

/** Whether the indices of `count` patches of `size` bytes ascend strictly and stay below `n`. */
export function patchesAscend(payload: Uint8Array, at: number, count: number, size: number, n: number): boolean {
  let previous = -1;
  for (let p = 0; p < count; p++) {
    const index = readU16(payload, at + size * p);
    if (index <= previous || index >= n) return false;
    previous = index;
  }
  return true;
}

export function readU16(payload: Uint8Array, at: number): number {
  return (payload[at] as number) | ((payload[at + 1] as number) << 8);
}
