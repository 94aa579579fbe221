import * as v from 'valibot';
import { selectEngine } from '../codec/engine/select.js';
import { DICTIONARY_BYTES, MAX_VALUE_BYTES } from '../codec/modes.js';
import { InvalidInputError } from '../errors.js';
import { checkOptions } from '../options.js';
import { pack } from './pack.js';

/** Options of `trainDictionary`. */
export interface DictionaryOptions {
  /** The most that it may take. @default 16384 (16 KiB) */
  bytes?: number | undefined;
}

const schema = v.strictObject({
  bytes: v.optional(v.pipe(v.number(), v.integer(), v.minValue(256), v.maxValue(DICTIONARY_BYTES.max)), 16 * 1024),
});

/**
 * Finds what values have in common, for the `dictionary` of a codec or a namespace. Best are values
 * of every kind that will be stored, as many as take a hundred times the dictionary's bytes. It
 * takes seconds for every 10 MB of them and holds the thread: run it once, in a script, and keep
 * what comes of it as long as anything is stored with it. It contains parts of the values.
 *
 * Throws `InvalidInputError` where the values are too few, `InvalidOptionError` where the native
 * engine, which alone can do this, does not load.
 */
export function trainDictionary(values: readonly unknown[], options: DictionaryOptions = {}): Uint8Array {
  const { bytes } = checkOptions(schema, options, 'options');
  const samples = values.map((value, i) => pack(value, i, MAX_VALUE_BYTES));
  const trained = selectEngine('native').trainDictionary?.(samples, bytes);
  if (trained === undefined) {
    const given = samples.reduce((sum, { length }) => sum + length, 0);
    throw new InvalidInputError(
      'values',
      `trainDictionary needs about ${100 * bytes} bytes of sample values for a dictionary of ${bytes} bytes; ` +
        `got ${values.length} values of ${given} bytes. Give more values, or a smaller \`bytes\`.`,
    );
  }
  return trained;
}
