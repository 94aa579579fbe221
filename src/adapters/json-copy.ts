import { describeValue } from '../describe.js';
import { InvalidInputError } from '../errors.js';

/** No options are nested so deep, unless an object holds itself. */
const MAX_DEPTH = 100;
/** How many names of a path are told of what is too deep. */
const NAMES_TOLD = 3;

/**
 * A deep copy of what JSON can hold: what a key was made of must not change afterwards, and two
 * values that JSON writes alike must not share a key. Properties that are undefined are left out.
 * Throws `InvalidInputError` naming what JSON would change, drop or fail at.
 *
 * @param argument the name of `value`, which the names of its parts start with
 */
export function jsonCopy<T>(value: T, argument: string): T {
  return copyOf(value, [argument]) as T;
}

function copyOf(value: unknown, path: readonly string[]): unknown {
  if (value === undefined || value === null || typeof value === 'string' || typeof value === 'boolean') return value;
  if (typeof value === 'number') {
    if (Number.isFinite(value)) return value;
    throw refused(path, 'a finite number', String(value));
  }
  if (typeof value !== 'object') throw refused(path, 'what JSON can hold', describeValue(value, ''));
  if (path.length > MAX_DEPTH)
    throw refused(path.slice(0, NAMES_TOLD), `nested at most ${MAX_DEPTH} deep, and not within itself`);
  if (Array.isArray(value)) return Array.from(value, (item, i) => copyOf(item, [...path, `[${i}]`]));
  const kind = Object.prototype.toString.call(value);
  // Dates, maps, sets and binary data.
  if (kind !== '[object Object]') throw refused(path, 'what JSON can hold', kind);
  const told = Object.entries(value).filter(([, part]) => part !== undefined);
  return Object.fromEntries(told.map(([name, part]) => [name, copyOf(part, [...path, `.${name}`])]));
}

function refused(path: readonly string[], expected: string, received?: string): InvalidInputError {
  return new InvalidInputError(path.join(''), expected, received);
}
