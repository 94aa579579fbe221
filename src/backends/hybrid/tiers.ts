import { BackendError } from '../../errors.js';
import type { ReadContext } from '../backend.js';

type Values = (Uint8Array | undefined)[];

/**
 * What a tier has of its part of a read. With a context it never rejects: failures are told to it,
 * and when it is aborted the tier is no longer waited for.
 */
export async function partOf(
  read: (context: ReadContext | undefined) => Promise<Values>,
  length: number,
  context: ReadContext | undefined,
  onPart: ReadContext['onPart'],
): Promise<Values> {
  if (context === undefined) return checked(await read(undefined), length);
  try {
    return checked(await read({ ...context, onPart }), length);
  } catch (error) {
    context.onPartialFailure(error);
    return new Array(length).fill(undefined);
  }
}

/** A tier that answers something else than it was asked is not believed at all. */
function checked(values: unknown, length: number): Values {
  if (Array.isArray(values) && values.length === length) return values;
  throw new BackendError('the tier did not answer with one record or undefined for each key');
}

/**
 * Waits for both, so that a failure of one leaves nothing under way; returns what the second has.
 */
export async function both<T>(first: Promise<unknown>, second: Promise<T>): Promise<T> {
  const [one, other] = await Promise.allSettled([first, second]);
  if (other.status === 'rejected') throw other.reason;
  if (one.status === 'rejected') throw one.reason;
  return other.value;
}
