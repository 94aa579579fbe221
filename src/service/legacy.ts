import { brotliDecompressSync, gunzipSync, inflateSync } from 'node:zlib';
import { isFloat32Array } from '../realms.js';
import { TextDecoder } from '../runtime.js';
import { LZ4_MISSING, loadDecompressors, ZSTD_MISSING } from './decompressors.js';
import { zstdContentSize } from './zstd-frame.js';

/**
 * The most that a compressed old value may become, in bytes: JSON takes about 25 bytes for each
 * dimension.
 */
const MAX_BYTES = 4 * 2 ** 20;

/**
 * The vector in a value that an older cache stored, as float32, or undefined where there is none of
 * `dimensions` finite numbers: a JSON array of numbers; a JSON object that holds one under
 * `embedding`, `vector`, `values` or `data`, or the elements under `'0'`, `'1'` and so on; raw
 * little-endian float32s (LangChain's byte stores hold JSON arrays). A JSON object with
 * `compressed: true` holds under `data` or `value` the base64 of any of these in zstd, lz4 (as
 * lz4-napi has it), gzip, deflate or brotli; with `compressed: false`, the value as it is.
 *
 * @param onMissing is told what to install, where a value could not be read for want of it
 */
export function legacyVector(
  bytes: Uint8Array,
  dimensions: number,
  onMissing: (message: string) => void = () => {},
): Float32Array | undefined {
  return vectorOf(fromBytes(bytes, dimensions, onMissing), dimensions);
}

function fromBytes(bytes: Uint8Array, dimensions: number, onMissing: (message: string) => void): unknown {
  // JSON first: a text of the same length as the raw floats would be a strange coincidence, and is
  // no sound vector.
  const value = parse(bytes);
  if (value === undefined) return rawFloats(bytes, dimensions);
  if (!isObject(value) || value.compressed !== true) return value;
  const held = value.data ?? value.value ?? value.embedding;
  const inner = typeof held === 'string' ? decompress(Buffer.from(held, 'base64'), onMissing) : undefined;
  return inner && (parse(inner) ?? rawFloats(inner, dimensions));
}

function vectorOf(value: unknown, dimensions: number): Float32Array | undefined {
  const list = listOf(value);
  if (list === undefined || list.length !== dimensions || !list.every((x) => typeof x === 'number')) return undefined;
  const vector = Float32Array.from(list as number[]);
  return vector.every(Number.isFinite) && vector.some((x) => x !== 0) ? vector : undefined;
}

/** How deep the elements may lie. */
const DEEPEST = 4;

/** The elements in a value, wherever older caches put them. */
function listOf(value: unknown, depth = 0): unknown[] | undefined {
  if (depth > DEEPEST) return undefined;
  if (isFloat32Array(value)) return [...value];
  if (Array.isArray(value) || !isObject(value)) return Array.isArray(value) ? value : undefined;
  // What JSON.stringify makes of a Float32Array.
  if ('0' in value) return Object.values(value);
  const held = value.embedding ?? value.vector ?? value.values ?? value.data ?? value.value;
  return held === undefined ? undefined : listOf(held, depth + 1);
}

function rawFloats(bytes: Uint8Array, dimensions: number): Float32Array | undefined {
  if (bytes.length !== 4 * dimensions) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Float32Array.from({ length: dimensions }, (_, i) => view.getFloat32(4 * i, true));
}

/** Recognised by its first bytes; undefined where it is nothing known, damaged, or too large. */
function decompress(bytes: Buffer, onMissing: (message: string) => void): Uint8Array | undefined {
  const { lz4, zstd } = loadDecompressors();
  const size = zstdContentSize(bytes);
  const options = { maxOutputLength: MAX_BYTES };
  const attempts = [
    () => (size !== undefined && size <= MAX_BYTES ? zstd?.(bytes, size) : undefined),
    () => (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes, options) : undefined),
    () => (bytes[0] === 0x78 ? inflateSync(bytes, options) : undefined),
    () => {
      const length = bytes.length > 4 ? bytes.readUInt32LE(0) : 0;
      return length > 0 && length <= MAX_BYTES ? lz4?.(bytes.subarray(4), length) : undefined;
    },
    () => brotliDecompressSync(bytes, options),
  ];
  for (const attempt of attempts) {
    try {
      const found = attempt();
      if (found !== undefined) return found;
    } catch {
      // It is something else.
    }
  }
  // What is in none of the formats that can be told apart may be lz4, which has no mark.
  if (size !== undefined && !zstd) onMissing(ZSTD_MISSING);
  else if (size === undefined && !lz4) onMissing(LZ4_MISSING);
  return undefined;
}

function parse(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
