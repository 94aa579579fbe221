import { describeValue } from './describe.js';
import { InvalidInputError, InvalidOptionError } from './errors.js';

/**
 * A time to live: milliseconds, or a number with its unit, such as `'90s'`, `'1.5h'` or `'30d'`.
 */
export type Ttl = number | `${number}${'ms' | 's' | 'm' | 'h' | 'd'}`;

/** How a TTL option is described where one is refused. */
export const TTL_EXPECTED = "a positive time in milliseconds or such as '500ms', '90s', '5m', '1h', '30d'";

const UNITS: Record<string, number> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** About 285 years: longer ones overflow what stores can add to the time of day. */
const MAX_TTL_MS = 9e12;

/** The milliseconds of `value`, or undefined where it is no positive, finite time. */
export function ttlMilliseconds(value: unknown): number | undefined {
  const milliseconds = typeof value === 'string' ? parseWithUnit(value) : value;
  return typeof milliseconds === 'number' && milliseconds > 0 && milliseconds < Number.POSITIVE_INFINITY
    ? milliseconds
    : undefined;
}

/**
 * The milliseconds of the option `option`. Throws `InvalidOptionError` where `value` is no
 * positive, finite time.
 */
export function parseTtl(value: unknown, option: string): number {
  const milliseconds = ttlMilliseconds(value);
  if (milliseconds === undefined) throw new InvalidOptionError(option, TTL_EXPECTED, describeValue(value, option));
  return milliseconds;
}

/**
 * The TTL that a backend gives to an entry: its own or else the backend's default, in whole
 * milliseconds of at least 1. Undefined is for ever. Throws `InvalidInputError` for an entry whose
 * time is not positive and finite.
 */
export function entryTtl(ttlMs: number | undefined, defaultMs: number | undefined): number | undefined {
  const ttl = ttlMs ?? defaultMs;
  if (ttl === undefined) return undefined;
  if (!(ttl > 0 && ttl < Number.POSITIVE_INFINITY)) {
    throw new InvalidInputError('entry.ttlMs', 'a positive, finite number of milliseconds', String(ttl));
  }
  return Math.min(Math.ceil(ttl), MAX_TTL_MS);
}

function parseWithUnit(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text);
  return match ? Number(match[1]) * (UNITS[match[2] as string] as number) : undefined;
}
