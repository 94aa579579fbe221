import { type Code, decodeStreams, encodeStream, type Streams } from './huffman.js';

/**
 * What the modes with coded symbols share (docs/format.md section 2.2): four streams, the lengths of three of them in the header,
 * and patches of three bytes.
 */
const STREAMS = 4;

/** The bytes of the lengths in the header: how much longer each is than a quarter of all. */
export const STREAM_LENGTHS = STREAMS - 1;

/** What stands for the first of them where the lengths stand before the streams, and how many bytes they take there. */
const APART = 0x80;
const LENGTHS_APART = 2 * (STREAMS - 1);
const MOST_LONGER = 0x7f;

/** What the streams take at most beyond their bits: each ends on a whole byte, and their lengths may stand apart. */
export const STREAM_PADDING = STREAMS + LENGTHS_APART;

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
  const lengths: number[] = [];
  let offset = at;
  for (let k = 0; k < STREAMS; k++) {
    const start = Math.min(n, k * quarter);
    const next = encodeStream(code, symbols, start, Math.min(n, start + quarter), payload, offset);
    if (k < STREAMS - 1) lengths.push(next - offset);
    offset = next;
  }
  const ofAll = (offset - at) >> 2;
  if (lengths.every((length) => Math.abs(length - ofAll) <= MOST_LONGER)) {
    for (const [k, length] of lengths.entries()) payload[lengthsAt + k] = length - ofAll;
    return offset;
  }
  payload.copyWithin(at + LENGTHS_APART, at, offset);
  payload.set([APART, 0, 0], lengthsAt);
  for (const [k, length] of lengths.entries()) {
    payload[at + 2 * k] = length;
    payload[at + 2 * k + 1] = length >> 8;
  }
  return offset + LENGTHS_APART;
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
  const areApart = payload[lengthsAt] === APART;
  const ofAll = (end - at) >> 2;
  let offset = areApart ? at + LENGTHS_APART : at;
  if (offset > end) return false;
  for (let k = 0; k < STREAMS; k++) {
    found.starts[k] = offset;
    if (k === STREAMS - 1) {
      offset = end;
    } else {
      const length = areApart ? readU16(payload, at + 2 * k) : ofAll + readI8(payload, lengthsAt + k);
      if (length < 0) return false;
      offset += length;
    }
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

function readI8(payload: Uint8Array, at: number): number {
  return ((payload[at] as number) << 24) >> 24;
}

export function readU16(payload: Uint8Array, at: number): number {
  return (payload[at] as number) | ((payload[at + 1] as number) << 8);
}
