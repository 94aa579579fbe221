import { describeValue } from '../describe.js';
import { InvalidInputError } from '../errors.js';

/** What the vectors of an answer can be. */
export interface AnswerForms {
  float32: Float32Array;
  /** The same numbers: each is a float32. */
  array: number[];
  /** Their bytes, little-endian float32s, as OpenAI's API encodes them. */
  base64: string;
}

export type AnswerForm = keyof AnswerForms;

const FORMS: { [Form in AnswerForm]: (vector: Float32Array) => AnswerForms[Form] } = {
  float32: (vector) => vector,
  array: (vector) => {
    const { length } = vector;
    // Faster than Array.from.
    const numbers = new Array<number>(length);
    for (let i = 0; i < length; i++) numbers[i] = vector[i] as number;
    return numbers;
  },
  base64: ({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength).toString('base64'),
};

/**
 * What makes vectors of the form that is asked for, float32s unless one is. Throws
 * `InvalidInputError` where there is none.
 */
export function formOf<Form extends AnswerForm>(
  asked: Form | undefined,
): (vectors: Float32Array[]) => AnswerForms[Form][] {
  const form: AnswerForm = asked ?? 'float32';
  if (!Object.hasOwn(FORMS, form))
    throw new InvalidInputError('options.as', "'float32', 'array' or 'base64'", describeValue(form, 'as'));
  return form === 'float32'
    ? (vectors) => vectors as AnswerForms[Form][]
    : (vectors) => vectors.map(FORMS[form] as (vector: Float32Array) => AnswerForms[Form]);
}
