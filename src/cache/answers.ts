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

/** Makes an answer of vectors. */
export interface Form<T> {
  of(vectors: Float32Array[]): T[];
  /** Whether what it makes holds the vectors, whose memory is used again otherwise. */
  readonly keepsVectors: boolean;
}

const FORMS: { [Name in AnswerForm]: Form<AnswerForms[Name]> } = {
  float32: { of: (vectors) => vectors, keepsVectors: true },
  array: eachAs((vector) => {
    const { length } = vector;
    // Faster than Array.from.
    const numbers = new Array<number>(length);
    for (let i = 0; i < length; i++) numbers[i] = vector[i] as number;
    return numbers;
  }),
  base64: eachAs(({ buffer, byteOffset, byteLength }) =>
    Buffer.from(buffer, byteOffset, byteLength).toString('base64'),
  ),
};

/** The form that is asked for, float32s unless one is. Throws `InvalidInputError` where there is none. */
export function formOf<Name extends AnswerForm>(asked: Name | undefined): Form<AnswerForms[Name]> {
  const name: AnswerForm = asked ?? 'float32';
  if (!Object.hasOwn(FORMS, name))
    throw new InvalidInputError('options.as', "'float32', 'array' or 'base64'", describeValue(name, 'as'));
  return FORMS[name] as Form<AnswerForms[Name]>;
}

/** A form of vectors, each by itself. @param make what it makes holds nothing of the vector */
export function eachAs<T>(make: (vector: Float32Array) => T): Form<T> {
  return { of: (vectors) => vectors.map(make), keepsVectors: false };
}
