import { notAwaited } from '../async/attempt.js';
import { kindOf } from '../describe.js';
import { InvalidInputError } from '../errors.js';
import type { Identity } from '../keys/digest.js';
import { isUint8Array } from '../realms.js';

/** How a namespace of embeddings takes its inputs, and what it hashes them by. */
export class Inputs<Input> {
  readonly #identify: ((input: Input) => Identity) | undefined;

  /** @param identify undefined where inputs are texts or bytes */
  constructor(identify: ((input: Input) => Identity) | undefined) {
    this.#identify = identify;
  }

  /** The inputs as they are now: an array, and bytes in it, may be the caller's to use again. */
  copyOf(inputs: readonly Input[]): readonly Input[] {
    if (!Array.isArray(inputs)) throw new InvalidInputError('inputs', 'an array', kindOf(inputs));
    return copiesOfInputs(inputs);
  }

  /**
   * What `inputs` are hashed by, in order. Throws `InvalidInputError` where that is no text and no
   * bytes.
   */
  identitiesOf(inputs: readonly Input[]): readonly Identity[] {
    if (!Array.isArray(inputs)) throw new InvalidInputError('inputs', 'an array', typeof inputs);
    const identify = this.#identify;
    const identities: readonly unknown[] = identify === undefined ? inputs : inputs.map((input) => identify(input));
    for (let i = 0; i < identities.length; i++) {
      const identity = identities[i];
      if (typeof identity === 'string' || isUint8Array(identity)) continue;
      identities.forEach(notAwaited);
      const field = identify === undefined ? `inputs[${i}]` : `identify(inputs[${i}])`;
      throw new InvalidInputError(field, 'a string or bytes', kindOf(identity));
    }
    return identities as readonly Identity[];
  }

  /**
   * Whether some are the caller's objects, which may have become something else while a call
   * waited.
   */
  mayHaveChanged(inputs: readonly Input[]): boolean {
    return this.#identify !== undefined && inputs.some((input) => typeof input !== 'string');
  }
}

/**
 * A list of its own, with bytes of its own; a Buffer stays one, for models that take it as such.
 * Throws `InvalidInputError` where their memory is detached.
 */
export function copiesOfInputs<Input>(inputs: readonly Input[]): Input[] {
  const own = [...inputs];
  for (let i = 0; i < own.length; i++) {
    const input: unknown = own[i];
    if (!isUint8Array(input)) continue;
    try {
      // A Buffer's own slice() is a view.
      own[i] = Uint8Array.prototype.slice.call(input) as Input;
    } catch {
      throw new InvalidInputError(`inputs[${i}]`, 'bytes whose memory is not detached');
    }
  }
  return own;
}

/** Throws `InvalidInputError` unless these are pairs; what is in them is checked where it is used. */
export function checkPairs(entries: unknown, pair: string): asserts entries is (readonly [unknown, unknown])[] {
  if (!Array.isArray(entries)) throw new InvalidInputError('entries', `an array of ${pair}`, kindOf(entries));
  for (let i = 0; i < entries.length; i++) {
    if (!Array.isArray(entries[i])) throw new InvalidInputError(`entries[${i}]`, pair, kindOf(entries[i]));
  }
}
