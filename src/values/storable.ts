import { notAwaited } from '../async/attempt.js';
import { isArrayBuffer } from '../realms.js';
import { MAX_DEPTH } from './cost.js';

/** The typed arrays that come back as what they are. */
const TYPED_ARRAYS = new Set(
  ['Int8', 'Uint8', 'Uint8Clamped', 'Int16', 'Uint16', 'Int32', 'Uint32', 'Float32', 'Float64', 'BigInt64', 'BigUint64']
    .map((type) => `${type}Array`)
    .concat('DataView', 'Buffer'),
);

/** The most keys of an object that the packer takes. */
const MAX_KEYS = 0xffff;

/** Instead of a phrase: the value takes more bytes than it may. */
export const TOO_LARGE = 'more';

/**
 * Bytes that the msgpack may still take, at least: what is left of them while a value is looked at.
 */
let room = 0;

/**
 * What keeps `value` from coming back as it is: the phrase behind "got" of an error. Undefined
 * where nothing does. Throws what a getter or a `toJSON` throws.
 *
 * @param most the most bytes of msgpack
 */
export function whyNotStorable(value: unknown, most: number): string | undefined {
  room = most;
  return whyNot(value, 0);
}

function whyNot(value: unknown, depth: number): string | undefined {
  room -= 1;
  if (room < 0) return TOO_LARGE;
  switch (typeof value) {
    case 'string':
      return whyNotString(value);
    case 'function':
    case 'symbol':
      return `a ${typeof value}`;
    case 'object':
      return value === null ? undefined : whyNotObject(value, depth);
    default:
      return undefined;
  }
}

function whyNotString(text: string): string | undefined {
  room -= text.length;
  if (room < 0) return TOO_LARGE;
  return text.isWellFormed() ? undefined : 'a string with half a surrogate pair, which has no UTF-8';
}

function whyNotObject(value: object, depth: number): string | undefined {
  if (depth === MAX_DEPTH) return `one that is circular, or more than ${MAX_DEPTH} deep`;
  if (Array.isArray(value)) return whyNotArray(value, depth);
  const prototype = Object.getPrototypeOf(value);
  // Also of another realm: what has no prototype behind its own.
  if (prototype === null || Object.getPrototypeOf(prototype) === null) return whyNotPlain(value, depth);
  if (value instanceof Map && value.constructor === Map) {
    if (value.size > room) return TOO_LARGE;
    for (const [key, item] of value) {
      if (typeof key === 'object' || key === undefined) return 'a Map whose keys are not all strings or numbers';
      const why = whyNot(key, depth) ?? whyNot(item, depth + 1);
      if (why !== undefined) return why;
    }
    return undefined;
  }
  if (value instanceof Set) {
    if (value.size > room) return TOO_LARGE;
    for (const item of value) {
      const why = whyNot(item, depth + 1);
      if (why !== undefined) return why;
    }
    return undefined;
  }
  if (ArrayBuffer.isView(value)) {
    room -= value.byteLength;
    if (room < 0) return TOO_LARGE;
    return TYPED_ARRAYS.has(value.constructor.name) ? undefined : 'a typed array of another class';
  }
  if (isArrayBuffer(value)) {
    room -= value.byteLength;
    return room < 0 ? TOO_LARGE : undefined;
  }
  if (value instanceof Date || value instanceof RegExp) return undefined;
  if (value instanceof Error) {
    if (typeof value.name !== 'string' || value.name in {} || typeof value.message !== 'string')
      return 'an error without a name or a message';
    return whyNotString(value.name) ?? whyNotString(value.message) ?? whyNot(value.cause, depth + 1);
  }
  // The packer would write its JSON: what comes back is a string.
  if (Object.prototype.toString.call(value) === '[object Date]')
    return 'a Date of another realm (copy it: new Date(date))';
  const { toJSON } = value as { toJSON?: unknown };
  if (typeof toJSON === 'function') return whyNot(notAwaited(toJSON.call(value)), depth + 1);
  return 'an instance of a class (store a plain object, or give the class a toJSON)';
}

function whyNotArray(array: readonly unknown[], depth: number): string | undefined {
  if (array.length > room) return TOO_LARGE;
  for (let i = 0; i < array.length; i++) {
    const item = array[i];
    if (item === undefined && !(i in array)) return 'an array with holes';
    const why = whyNot(item, depth + 1);
    if (why !== undefined) return why;
  }
  return undefined;
}

function whyNotPlain(object: object, depth: number): string | undefined {
  const keys = Object.keys(object);
  if (keys.length > MAX_KEYS) return `an object of more than ${MAX_KEYS} keys`;
  for (let i = 0; i < keys.length; i++) {
    const key = keys[i] as string;
    const why = whyNotString(key) ?? whyNot((object as Record<string, unknown>)[key], depth + 1);
    if (why !== undefined) return why;
  }
  return undefined;
}
