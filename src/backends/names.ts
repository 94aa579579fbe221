import { BackendLimitError, InvalidInputError } from '../errors.js';
import type { BackendLimits } from './backend.js';
import { fits } from './limits.js';

/** Throws `InvalidInputError` for a holder that has no UTF-8. */
export function checkHolder(holder: string): void {
  if (!holder.isWellFormed()) throw new InvalidInputError('holder', 'well-formed text', 'half a surrogate pair');
}

/** Throws `BackendLimitError` for names that a store with these limits cannot hold. */
export function checkNamesFit(names: readonly string[], limits: BackendLimits): void {
  const tooLong = names.filter((name) => !fits(name, limits)).length;
  if (tooLong > 0) throw new BackendLimitError('keyBytes', limits.keyBytes as number, tooLong);
}
