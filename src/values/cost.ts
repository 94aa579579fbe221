/**
 * What decoding some msgpack will take, found before a decoder sees it: whoever can write to the
 * store writes it. Only what `pack` writes is let through: the decoder knows extensions that alias,
 * define records or look elsewhere, and is not hardened.
 */

/** How deep values may be nested: far from what a call stack holds. */
export const MAX_DEPTH = 256;

/** Instead of a cost: this is not one whole value as `pack` writes it. */
export const MALFORMED = -1;

/** Instead of a cost: nested too deep, or it takes more memory than there is to be. */
export const TOO_MUCH = -2;

// Bytes that V8 takes, rounded up.
const SLOT = 8;
const ARRAY = 64;
const OBJECT = 56;
const STRING = 24;
const NUMBER = 16;
const BIGINT = 32;
const DATE = 96;
const VIEW = 384;
const SET = 256;
const SET_ELEMENT = 48;
const REGEXP = 1024;
/** With the stack that it captures. */
const ERROR = 4096;
/** A property of an object whose shape is new: the shape, and the name. */
const NEW_PROPERTY = 256;
/** A property of an object that has become a hash table, and how many it has before it does. */
const TABLE_PROPERTY = 64;
const MAX_PROPERTIES = 12;
/** A property whose name is a number, in a hash table. */
const INDEX = 96;
/**
 * Up to here V8 keeps such properties in an array, with room up to the largest of them, where none
 * is further than the gap beyond it.
 */
const LARGEST_ROOM = 5000;
const LARGEST_GAP = 1024;
/** Longer arrays become hash tables. */
const MAX_ARRAY_LENGTH = 32 * 1024 * 1024;

// What is open, by depth; in place, so that nothing is allocated.
const left = new Int32Array(MAX_DEPTH + 1);
const isMap = new Uint8Array(MAX_DEPTH + 1);
const shapes = new Int32Array(MAX_DEPTH + 1);
const properties = new Int32Array(MAX_DEPTH + 1);
const rooms = new Int32Array(MAX_DEPTH + 1);

/**
 * Shapes of objects that were met: V8 keeps one of each. The seed keeps anyone from making up
 * shapes that look like known ones.
 */
const known = new Int32Array(4096);
const seed = (Math.random() * 2 ** 32) | 0;

const TAGS = { 115: 'set', 101: 'error', 120: 'regexp' } as const;
type Tag = (typeof TAGS)[keyof typeof TAGS];

/**
 * Bytes of an element of a typed array, by the number that stands before its bytes; 0 where there
 * is none. 16 and 17 are ArrayBuffer and DataView.
 */
const ELEMENT_BYTES = [1, 1, 1, 2, 2, 4, 4, 4, 8, 8, 8, 0, 0, 0, 0, 0, 1, 1];

/**
 * The memory that the value in `bytes` will take, in bytes and rounded up, beside `bytes` itself;
 * `MALFORMED` or `TOO_MUCH`.
 *
 * @param most the largest cost that is not too much
 */
export function msgpackCost(bytes: Uint8Array, most: number): number {
  const end = bytes.length;
  let at = 0;
  let depth = 0;
  let cost = 0;
  let tag: Tag | undefined;
  // Of what is open at this depth; what is further out lies in `left` and `isMap`.
  let remaining = 1;
  let inMap = 0;

  for (;;) {
    while (remaining === 0) {
      if (depth === 0) return at !== end ? MALFORMED : cost > most ? TOO_MUCH : cost;
      depth--;
      remaining = left[depth] as number;
      inMap = isMap[depth] as number;
    }
    if (at >= end) return MALFORMED;
    const isKey = inMap === 1 && (remaining & 1) === 0;
    remaining--;
    const token = bytes[at++] as number;

    let count = -1;
    let isObject = false;
    let length = -1;
    if (token < 0x80 || token >= 0xe0) {
      if (tag !== undefined) return MALFORMED;
      if (isKey) cost += token < 0x80 ? costOfIndex(depth, token) : NEW_PROPERTY;
      continue;
    }
    if (token < 0x90) {
      count = token & 0x0f;
      isObject = true;
    } else if (token < 0xa0) count = token & 0x0f;
    else if (token < 0xc0) length = token & 0x1f;
    else {
      switch (token) {
        case 0xc0: // nil, false, true
        case 0xc2:
        case 0xc3:
          if (tag !== undefined) return MALFORMED;
          if (isKey) cost += NEW_PROPERTY;
          continue;
        case 0xca: // floats, and integers of 32 bits
        case 0xce:
        case 0xd2:
        case 0xcb:
        case 0xcc: // and of 8 and 16
        case 0xd0:
        case 0xcd:
        case 0xd1: {
          if (tag !== undefined) return MALFORMED;
          const width = WIDTHS[token - 0xca] as number;
          if (at + width > end) return MALFORMED;
          cost += width < 4 ? 0 : NUMBER;
          if (isKey) cost += costOfSomeIndex(depth) + NEW_PROPERTY;
          at += width;
          continue;
        }
        case 0xcf: // integers of 64 bits
        case 0xd3:
          if (tag !== undefined || at + 8 > end) return MALFORMED;
          cost += isKey ? costOfSomeIndex(depth) + NEW_PROPERTY : BIGINT;
          at += 8;
          continue;
        case 0xc4: // bins
        case 0xc5:
        case 0xc6: {
          const width = 1 << (token - 0xc4);
          const size = at + width > end ? end : readLength(bytes, at, width);
          if (tag !== undefined || isKey || at + width + size > end) return MALFORMED;
          cost += VIEW;
          at += width + size;
          continue;
        }
        case 0xd9: // strings
        case 0xda:
        case 0xdb: {
          const width = 1 << (token - 0xd9);
          if (at + width > end) return MALFORMED;
          length = readLength(bytes, at, width);
          at += width;
          break;
        }
        case 0xdc: // arrays
        case 0xdd:
        case 0xde: // maps
        case 0xdf: {
          const width = (token & 1) === 0 ? 2 : 4;
          if (at + width > end) return MALFORMED;
          count = readLength(bytes, at, width);
          isObject = token >= 0xde;
          at += width;
          break;
        }
        case 0xd4: // extensions of 1, 2, 4, 8, 16 bytes
        case 0xd5:
        case 0xd6:
        case 0xd7:
        case 0xd8: {
          const size = 1 << (token - 0xd4);
          const type = bytes[at] as number;
          if (tag !== undefined || at + 1 + size > end) return MALFORMED;
          if (size === 1 && type in TAGS) {
            if (isKey) return MALFORMED;
            // What is tagged follows, in the same place.
            tag = TAGS[type as keyof typeof TAGS];
            remaining++;
            at += 2;
            continue;
          }
          if (type === 0x42) cost += BIGINT + 2 * size + (isKey ? NEW_PROPERTY : 0);
          else if (isKey) return MALFORMED;
          else if (type === 0xff && size !== 2 && size !== 16) cost += DATE;
          else if (type !== 0 || size !== 1) return MALFORMED;
          at += 1 + size;
          continue;
        }
        case 0xc7: // extensions of any length
        case 0xc8:
        case 0xc9: {
          const width = 1 << (token - 0xc7);
          if (tag !== undefined || at + width + 1 > end) return MALFORMED;
          const size = readLength(bytes, at, width);
          const type = bytes[at + width] as number;
          at += width + 1;
          if (size === 0 || at + size > end) return MALFORMED;
          if (type === 0x42) cost += BIGINT + 2 * size + (isKey ? NEW_PROPERTY + 3 * size : 0);
          else if (isKey) return MALFORMED;
          else if (type === 0xff && size === 12) cost += DATE;
          else if (type === 0x74) {
            const element = ELEMENT_BYTES[bytes[at] as number] ?? 0;
            if (element === 0 || (size - 1) % element !== 0) return MALFORMED;
            cost += VIEW + size;
          } else return MALFORMED;
          at += size;
          continue;
        }
        default:
          return MALFORMED;
      }
    }

    if (length >= 0) {
      if (tag !== undefined || at + length > end) return MALFORMED;
      cost += isKey ? costOfProperty(bytes, at, length, depth) : length < 2 ? 0 : STRING + 2 * length;
      at += length;
      continue;
    }

    // An array or an object: each element takes at least a byte, so one that claims more than there
    // are is refused here.
    const elements = isObject ? 2 * count : count;
    if (isKey || elements > end - at) return MALFORMED;
    if (depth === MAX_DEPTH) return TOO_MUCH;
    if (tag !== undefined) {
      if (isObject || !isSoundTag(tag, bytes, at, count)) return MALFORMED;
      cost += tag === 'set' ? SET + SET_ELEMENT * count : tag === 'error' ? ERROR : REGEXP;
      tag = undefined;
    }
    cost += isObject ? OBJECT : ARRAY + (count > MAX_ARRAY_LENGTH ? TABLE_PROPERTY : SLOT) * count;
    if (cost > most) return TOO_MUCH;
    left[depth] = remaining;
    isMap[depth] = inMap;
    depth++;
    remaining = elements;
    inMap = isObject ? 1 : 0;
    shapes[depth] = seed;
    properties[depth] = 0;
    rooms[depth] = 0;
  }
}

/** Of the numbers from `ca` on. */
const WIDTHS = [4, 8, 1, 2, 4, 8, 1, 2, 4];

function readLength(bytes: Uint8Array, at: number, width: number): number {
  let length = 0;
  for (let i = 0; i < width; i++) length = length * 256 + (bytes[at + i] as number);
  return length;
}

/** The cost of a property whose name is a number. */
function costOfIndex(depth: number, index: number): number {
  const room = rooms[depth] as number;
  const larger = index + (index >> 1) + 17;
  if (index < room) return INDEX;
  if (index - room >= LARGEST_GAP || larger > LARGEST_ROOM) {
    rooms[depth] = room || 1;
    // A hash table has an end of its own.
    return room === 0 ? INDEX + TABLE_PROPERTY : INDEX;
  }
  rooms[depth] = larger;
  return INDEX + SLOT * (larger - room);
}

/** The same for a number that was not looked at: the dearest that there is. */
function costOfSomeIndex(depth: number): number {
  return costOfIndex(depth, (rooms[depth] as number) + LARGEST_GAP - 1);
}

/** The cost of a property, with its name. */
function costOfProperty(bytes: Uint8Array, at: number, length: number, depth: number): number {
  const first = bytes[at] as number;
  if (length > 0 && first >= 0x30 && first <= 0x39) {
    let index = length > 4 ? LARGEST_ROOM : 0;
    for (let i = at; i < at + length && index < LARGEST_ROOM; i++) index = 10 * index + ((bytes[i] as number) & 0x0f);
    return costOfIndex(depth, index) + (length > 9 ? NEW_PROPERTY + 2 * length : 0);
  }
  // The shape is all names so far, in their order.
  let shape = (shapes[depth] as number) ^ length;
  for (let i = at; i < at + length; i++) shape = Math.imul(shape ^ (bytes[i] as number), 0x01000193);
  shape = Math.imul(shape ^ (shape >>> 15), 0x2c1b3c6d);
  shapes[depth] = shape;
  properties[depth] = (properties[depth] as number) + 1;
  const place = (shape >>> 12) & (known.length - 1);
  const isKnown = known[place] === shape;
  known[place] = shape;
  const isTable = (properties[depth] as number) > MAX_PROPERTIES;
  if (isKnown) return isTable ? TABLE_PROPERTY : SLOT;
  return (isTable ? 2 * TABLE_PROPERTY : NEW_PROPERTY) + 2 * length;
}

/**
 * Whether what is in a tagged array is what the decoder hands to a constructor: an error's name and
 * message, or an expression and its flags.
 */
function isSoundTag(tag: Tag, bytes: Uint8Array, at: number, count: number): boolean {
  if (tag === 'set') return true;
  if (count !== (tag === 'error' ? 3 : 2)) return false;
  const nameEnd = stringEnd(bytes, at);
  if (nameEnd < 0 || stringEnd(bytes, nameEnd) < 0) return false;
  // The decoder looks constructors up in an object, which has more than it was given.
  const start = (bytes[at] as number) < 0xc0 ? at + 1 : at + 2;
  return tag === 'regexp' || !(String.fromCharCode(...bytes.subarray(start, Math.min(nameEnd, start + 64))) in {});
}

/** Where a string ends that begins at `at`; -1 where none does. */
function stringEnd(bytes: Uint8Array, at: number): number {
  const token = bytes[at] ?? 0;
  if (token >= 0xa0 && token < 0xc0) return at + 1 + (token & 0x1f);
  if (token < 0xd9 || token > 0xdb) return -1;
  const width = 1 << (token - 0xd9);
  if (at + 1 + width > bytes.length) return -1;
  return at + 1 + width + readLength(bytes, at + 1, width);
}
