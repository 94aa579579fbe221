import { MAX_VALUE_BYTES } from './modes.js';
import type { CorruptReason } from './status.js';
import { xxh3 } from './xxh3.js';

/**
 * The record of docs/format.md section 1, for the portable engine: the fixed layout around a payload.
 */
const ARRAY_OF_FIVE = 0x95;
const FORMAT = 1;
const CHECKSUM_BYTES = 8;

/** Where the parts of a record lie that was found sound. */
export interface ParsedRecord {
  mode: number;
  dimensions: number;
  payload: Uint8Array;
}

const encoder = new TextEncoder();
const hash = new Int32Array(2);
let keyScratch = new Uint8Array(256);
let keyView = new DataView(keyScratch.buffer);

/** Leaves the checksum of docs/format.md in `hash`. */
function checksum(key: string, header: Uint8Array, payload: DataView, offset: number, length: number): void {
  const longest = 3 * key.length + header.length;
  if (keyScratch.length < longest) {
    keyScratch = new Uint8Array(2 * longest);
    keyView = new DataView(keyScratch.buffer);
  }
  const { written } = encoder.encodeInto(key, keyScratch);
  keyScratch.set(header, written);
  xxh3(keyView, 0, written + header.length, 0, 0, hash);
  xxh3(payload, offset, length, hash[0] as number, hash[1] as number, hash);
}

/** Writes `value` in the shortest msgpack form, of which the three wider ones start at `token`; returns the next offset. */
function writeLength(view: DataView, at: number, value: number, token: number): number {
  if (value <= 0xff) {
    view.setUint8(at, token);
    view.setUint8(at + 1, value);
    return at + 2;
  }
  if (value <= 0xffff) {
    view.setUint8(at, token + 1);
    view.setUint16(at + 1, value);
    return at + 3;
  }
  view.setUint8(at, token + 2);
  view.setUint32(at + 1, value);
  return at + 5;
}

function lengthBytes(value: number): number {
  return value <= 0xff ? 2 : value <= 0xffff ? 3 : 5;
}

/** Builds the record of `payload` under `key`. */
export function writeRecord(key: string, mode: number, dimensions: number, payload: Uint8Array): Uint8Array {
  const headerLength = 3 + (dimensions <= 0x7f ? 1 : lengthBytes(dimensions));
  const payloadStart = headerLength + 1 + CHECKSUM_BYTES + lengthBytes(payload.length);
  const record = new Uint8Array(payloadStart + payload.length);
  const view = new DataView(record.buffer);
  record[0] = ARRAY_OF_FIVE;
  record[1] = FORMAT;
  record[2] = mode;
  if (dimensions <= 0x7f) record[3] = dimensions;
  else writeLength(view, 3, dimensions, 0xcc);
  record[headerLength] = 0xcf;
  writeLength(view, headerLength + 1 + CHECKSUM_BYTES, payload.length, 0xc4);
  record.set(payload, payloadStart);
  checksum(key, record.subarray(0, headerLength), view, payloadStart, payload.length);
  view.setInt32(headerLength + 1, hash[0] as number);
  view.setInt32(headerLength + 5, hash[1] as number);
  return record;
}

/**
 * Checks everything about a record but its payload's inside. `dimensions` is what the reader expects; undefined reads a value, whose
 * third element is a length in bytes.
 */
export function readRecord(
  key: string,
  record: Uint8Array,
  dimensions: number | undefined,
): ParsedRecord | CorruptReason {
  const view = new DataView(record.buffer, record.byteOffset, record.byteLength);
  const end = record.length;
  if (end < 1) return 'truncated';
  if (record[0] !== ARRAY_OF_FIVE) return 'malformed';
  if (end < 4) return 'truncated';
  const format = record[1] as number;
  const mode = record[2] as number;
  if (format > 0x7f || mode > 0x7f) return 'malformed';
  if (format !== FORMAT) return 'format';

  const token = record[3] as number;
  const found = token <= 0x7f ? token : readLength(view, 3, 0xcc, 0x7f);
  if (typeof found === 'string') return found;
  const headerLength = 3 + (token <= 0x7f ? 1 : lengthBytes(found));

  if (end < headerLength + 1) return 'truncated';
  if (record[headerLength] !== 0xcf) return 'malformed';
  const lengthAt = headerLength + 1 + CHECKSUM_BYTES;
  if (end < lengthAt + 1) return 'truncated';
  const payloadLength = readLength(view, lengthAt, 0xc4, -1);
  if (typeof payloadLength === 'string') return payloadLength;
  const payloadStart = lengthAt + lengthBytes(payloadLength);
  if (end < payloadStart + payloadLength) return 'truncated';
  if (end > payloadStart + payloadLength) return 'malformed';

  if (dimensions === undefined ? found < 1 || found > MAX_VALUE_BYTES : found !== dimensions) return 'dimensions';
  checksum(key, record.subarray(0, headerLength), view, payloadStart, payloadLength);
  if (view.getInt32(headerLength + 1) !== hash[0] || view.getInt32(headerLength + 5) !== hash[1]) return 'checksum';
  return { mode, dimensions: found, payload: record.subarray(payloadStart) };
}

/** The third number of a record, as it says: a value's bytes. 0 where nothing can be read there; nothing else is looked at. */
export function declaredLength(record: Uint8Array): number {
  if (record.length < 4) return 0;
  const token = record[3] as number;
  if (token <= 0x7f) return token;
  const length = readLength(new DataView(record.buffer, record.byteOffset, record.byteLength), 3, 0xcc, 0x7f);
  return typeof length === 'number' ? length : 0;
}

/** Reads what `writeLength` wrote; a value at or below `floor`, or below what its form is for, has a shorter spelling. */
function readLength(view: DataView, at: number, token: number, floor: number): number | 'truncated' | 'malformed' {
  const width = [1, 2, 4][view.getUint8(at) - token];
  if (width === undefined) return 'malformed';
  if (view.byteLength < at + 1 + width) return 'truncated';
  const value = width === 1 ? view.getUint8(at + 1) : width === 2 ? view.getUint16(at + 1) : view.getUint32(at + 1);
  const shortest = width === 1 ? floor : width === 2 ? 0xff : 0xffff;
  return value > shortest ? value : 'malformed';
}
