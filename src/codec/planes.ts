import type { Compressor, Compressors } from './compressors.js';
import type { Compression } from './modes.js';

/**
 * Byte planes (docs/format.md section 2.1): the four bytes of each element apart, each plane stored or compressed by itself.
 */
const PLANES = 4;
const STAGE = { stored: 0, lz4: 1, zstd: 2 } as const;

/** A plane whose estimated entropy is above this share of its size is stored without trying: nothing would come of it. */
const WORTH_TRYING = 0.97;

/** The planes of a vector, one after the other: exponent, high, middle, low. */
export function splitPlanes(bits: Uint32Array): Uint8Array {
  const n = bits.length;
  const planes = new Uint8Array(PLANES * n);
  for (let i = 0; i < n; i++) {
    const x = bits[i] as number;
    planes[i] = x >>> 23;
    planes[n + i] = ((x >>> 24) & 0x80) | ((x >>> 16) & 0x7f);
    planes[2 * n + i] = x >>> 8;
    planes[3 * n + i] = x;
  }
  return planes;
}

/**
 * Order-0 entropy of a plane, in bytes. A sample shows fewer symbols than its source has, so that 768 random bytes look like 745:
 * Miller's correction (1955), (symbols - 1) / (2 n) nats a byte, takes that back.
 */
export function entropyBytes(plane: Uint8Array): number {
  const counts = new Uint32Array(256);
  for (let i = 0; i < plane.length; i++) counts[plane[i] as number] = (counts[plane[i] as number] as number) + 1;
  let bits = 0;
  let symbols = 0;
  for (let symbol = 0; symbol < 256; symbol++) {
    const count = counts[symbol] as number;
    if (count === 0) continue;
    bits += count * Math.log2(plane.length / count);
    symbols++;
  }
  return (bits + ((symbols - 1) / 2) * Math.LOG2E) / 8;
}

/** Whether any plane but the exponents' has something that a general compressor could find. */
export function someNoisePlaneShrinks(planes: Uint8Array): boolean {
  const n = planes.length / PLANES;
  for (let p = 1; p < PLANES; p++) {
    if (entropyBytes(planes.subarray(p * n, (p + 1) * n)) < WORTH_TRYING * n) return true;
  }
  return false;
}

/** The payload with the asked compressor on each plane that gets smaller by it. */
export function encodePlanes(planes: Uint8Array, compression: Compression, compressors: Compressors): Uint8Array {
  const n = planes.length / PLANES;
  const stages: [number, Compressor][] = [];
  if (compression !== 'lz4' && compressors.zstdPlane) stages.push([STAGE.zstd, compressors.zstdPlane]);
  if (compression !== 'zstd' && compressors.lz4) stages.push([STAGE.lz4, compressors.lz4]);

  let header = 0;
  const lengths: number[] = [];
  const parts: Uint8Array[] = [];
  for (let p = 0; p < PLANES; p++) {
    let best = planes.subarray(p * n, (p + 1) * n);
    let stage: number = STAGE.stored;
    if (entropyBytes(best) < WORTH_TRYING * n) {
      for (const [candidate, compressor] of stages) {
        const coded = compressor.compress(planes.subarray(p * n, (p + 1) * n));
        if (coded.length < best.length) [best, stage] = [coded, candidate];
      }
    }
    header |= stage << (2 * p);
    if (stage !== STAGE.stored) lengths.push(best.length);
    parts.push(best);
  }

  const payload = new Uint8Array(1 + 2 * lengths.length + parts.reduce((sum, part) => sum + part.length, 0));
  payload[0] = header;
  let at = 1;
  for (const length of lengths) {
    payload[at++] = length;
    payload[at++] = length >> 8;
  }
  for (const part of parts) {
    payload.set(part, at);
    at += part.length;
  }
  return payload;
}

/** Decodes a payload into `bits`; a string says why not. */
export function decodePlanes(
  payload: Uint8Array,
  bits: Uint32Array,
  compressors: Compressors,
): 'payload' | 'unsupported' | undefined {
  const n = bits.length;
  const header = payload[0];
  if (header === undefined) return 'payload';
  let lengthAt = 1;
  let at = 1;
  for (let p = 0; p < PLANES; p++) if (((header >> (2 * p)) & 3) !== STAGE.stored) at += 2;
  if (at > payload.length) return 'payload';

  const planes: Uint8Array[] = [];
  for (let p = 0; p < PLANES; p++) {
    const stage = (header >> (2 * p)) & 3;
    let length = n;
    if (stage !== STAGE.stored) {
      length = (payload[lengthAt] as number) | ((payload[lengthAt + 1] as number) << 8);
      lengthAt += 2;
      if (stage > STAGE.zstd || length === 0 || length >= n) return 'payload';
    }
    if (at + length > payload.length) return 'payload';
    const part = payload.subarray(at, at + length);
    at += length;
    if (stage === STAGE.stored) {
      planes.push(part);
      continue;
    }
    const compressor = stage === STAGE.lz4 ? compressors.lz4 : compressors.zstdPlane;
    if (compressor === undefined) return 'unsupported';
    const plane = compressor.decompress(part, n);
    if (plane === undefined) return 'payload';
    planes.push(plane);
  }
  if (at !== payload.length) return 'payload';

  const [exponents, high, middle, low] = planes as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
  for (let i = 0; i < n; i++) {
    const h = high[i] as number;
    bits[i] =
      ((h & 0x80) << 24) |
      ((exponents[i] as number) << 23) |
      ((h & 0x7f) << 16) |
      ((middle[i] as number) << 8) |
      (low[i] as number);
  }
  return undefined;
}
