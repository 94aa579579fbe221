import { type Compressor, loadZstd } from './compressors.js';
import { DICTIONARY_BYTES } from './modes.js';
import { xxh3 } from './xxh3.js';

/** A dictionary of the portable engine. */
export interface Dictionary {
  /** What records name it by (docs/format.md section 2.8). */
  number: number;
  /** zstd with this dictionary; undefined where no zstd is installed that takes one. */
  zstd: Compressor | undefined;
}

const loaded = new Map<number, Dictionary & { bytes: Uint8Array }>();

/** The dictionary with this number, where it was loaded. */
export function findDictionary(number: number): Dictionary | undefined {
  return loaded.get(number);
}

/** As `Engine.loadDictionary`. */
export function loadDictionary(given: Uint8Array): number | undefined {
  if (given.length < DICTIONARY_BYTES.least || given.length > DICTIONARY_BYTES.most) return undefined;
  const bytes = new Uint8Array(given);
  const number = numberOf(bytes);
  const known = loaded.get(number)?.bytes;
  if (known) return known.length === bytes.length && known.every((byte, i) => byte === bytes[i]) ? number : undefined;
  try {
    const zstd = loadZstd('value', bytes);
    // Looked at only when it is first used.
    zstd?.compress(bytes.subarray(0, 1));
    loaded.set(number, { number, bytes, zstd });
    return number;
  } catch {
    return undefined;
  }
}

function numberOf(bytes: Uint8Array): number {
  const hash = new Int32Array(2);
  xxh3(new DataView(bytes.buffer), 0, bytes.length, 0, 0, hash);
  return (hash[1] as number) >>> 0;
}
