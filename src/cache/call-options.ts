import { describeValue } from '../describe.js';
import { InvalidInputError } from '../errors.js';
import type { EmbedCallOptions } from './embeddings.js';

/** Throws `InvalidInputError` for options of one `embed` that are of another kind. */
export function checkCallOptions(options: EmbedCallOptions): void {
  if (typeof options !== 'object' || options === null) refuse('options', 'an object', options);
  const { signal, refresh, bypass, onLookup, onUsage } = options;
  if (signal !== undefined && !isSignal(signal)) refuse('options.signal', 'an AbortSignal', signal);
  for (const [name, value] of Object.entries({ refresh, bypass })) {
    if (value !== undefined && typeof value !== 'boolean') refuse(`options.${name}`, 'true or false', value);
  }
  for (const [name, value] of Object.entries({ onLookup, onUsage })) {
    if (value !== undefined && typeof value !== 'function') refuse(`options.${name}`, 'a function', value);
  }
  if (refresh && bypass) throw new InvalidInputError('options.refresh', 'one of refresh and bypass, not both');
}

/** Of any realm, or a polyfill's. */
function isSignal(value: unknown): value is AbortSignal {
  const { aborted, addEventListener, throwIfAborted } = (value ?? {}) as Partial<AbortSignal>;
  return typeof aborted === 'boolean' && typeof addEventListener === 'function' && typeof throwIfAborted === 'function';
}

function refuse(field: string, expected: string, value: unknown): never {
  throw new InvalidInputError(field, expected, describeValue(value, field));
}
