import { MAX_DIMENSIONS } from '../../codec/modes.js';
import { describeValue, kindOf } from '../../describe.js';
import { InvalidInputError } from '../../errors.js';
import { canonicalJson } from '../adapted.js';

/** What a request has embedded: a text, or the ids of its tokens. */
export type RequestInput = string | readonly number[];

/** A request of `POST /v1/embeddings` whose vectors can be cached. */
export interface EmbeddingsRequest {
  kind: 'text' | 'tokens';
  /** The request's own copies; one where the body held a single text or a single token array. */
  inputs: readonly RequestInput[];
  isSingle: boolean;
  /** What the caller asked for. */
  encoding: 'float' | 'base64';
  model: string;
  dimensions: number | undefined;
  /** All other fields that may change a vector, as JSON with sorted keys; '' where there are none. */
  role: string;
  /** The body as it was given, with copies of what `role` is made of: what is asked is what the key says. */
  body: Readonly<Record<string, unknown>>;
}

/** Fields that say how vectors are written. Another value than these is not about float32s. */
const ENCODINGS = ['encoding_format', 'embedding_type', 'embedding_types', 'output_dtype'];
/** What is no part of `role`: the rest of the key, and what changes no vector. */
const NOT_IN_ROLE = new Set(['input', 'model', 'dimensions', 'user', ...ENCODINGS]);

export const DIMENSIONS = `a whole number from 1 to ${MAX_DIMENSIONS}`;
const INPUT = 'a text, an array of texts, an array of tokens or an array of token arrays';
const MAX_TOKEN = 0xffffffff;

/**
 * Checks the body of a request of OpenAI's shape; a field that is null counts as absent. Returns
 * undefined where the answer cannot be cached, or where it is for the upstream to say what is
 * wrong: no inputs, no model, inputs that are objects (images), vectors that are no float32s. Such a
 * body is to be passed on as it is. Throws `InvalidInputError` naming the field.
 */
export function readRequest(given: unknown): EmbeddingsRequest | undefined {
  if (typeof given !== 'object' || given === null || Array.isArray(given))
    throw new InvalidInputError('body', 'an object', Array.isArray(given) ? 'an array' : kindOf(given));
  const body: Record<string, unknown> = { ...given };
  const model = body.model ?? '';
  if (typeof model !== 'string') throw new InvalidInputError('model', 'a model id', kindOf(model));
  const dimensions = body.dimensions ?? undefined;
  if (dimensions !== undefined && !isDimensions(dimensions))
    throw new InvalidInputError('dimensions', DIMENSIONS, describeValue(dimensions, 'dimensions'));
  const inputs = inputsOf(body.input);
  const encoding = encodingOf(body);
  const role = roleOf(body);
  if (inputs === undefined || encoding === undefined || role === undefined || model === '') return undefined;
  return { ...inputs, encoding, model, dimensions, role, body: role === '' ? body : { ...body, ...JSON.parse(role) } };
}

/** The body that asks the upstream for some of the inputs of a request. */
export function bodyFor({ body, isSingle }: EmbeddingsRequest, inputs: readonly RequestInput[]) {
  return { ...body, input: isSingle && inputs.length === 1 ? inputs[0] : inputs };
}

export function isDimensions(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 1 && (value as number) <= MAX_DIMENSIONS;
}

function inputsOf(input: unknown): Pick<EmbeddingsRequest, 'kind' | 'inputs' | 'isSingle'> | undefined {
  if (typeof input === 'string') return { kind: 'text', inputs: [input], isSingle: true };
  if (isRecord(input)) return undefined;
  if (!Array.isArray(input)) throw new InvalidInputError('input', INPUT, kindOf(input));
  if (input.length === 0 || input.some(isRecord)) return undefined;
  const [first] = input;
  if (typeof first === 'number') return { kind: 'tokens', inputs: [tokensOf(input, 'input')], isSingle: true };
  if (Array.isArray(first))
    return { kind: 'tokens', inputs: Array.from(input, (one, i) => tokensOf(one, `input[${i}]`)), isSingle: false };
  const inputs = Array.from(input, (one, i) => {
    if (typeof one !== 'string') throw new InvalidInputError(`input[${i}]`, i === 0 ? INPUT : 'a text', kindOf(one));
    return one;
  });
  return { kind: 'text', inputs, isSingle: false };
}

function tokensOf(tokens: unknown, field: string): number[] {
  if (!Array.isArray(tokens)) throw new InvalidInputError(field, 'an array of tokens', kindOf(tokens));
  return Array.from(tokens, (token, i) => {
    if (Number.isInteger(token) && token >= 0 && token <= MAX_TOKEN) return token;
    throw new InvalidInputError(`${field}[${i}]`, `a token, a whole number from 0 to ${MAX_TOKEN}`);
  });
}

function encodingOf(body: Record<string, unknown>): 'float' | 'base64' | undefined {
  if (body.return_multivector === true) return undefined;
  let encoding: 'float' | 'base64' = 'float';
  for (const field of ENCODINGS) {
    const value = body[field] || 'float';
    if (value === 'base64') encoding = value;
    else if (value !== 'float') return undefined;
  }
  return encoding;
}

/** Undefined where the fields are nothing that JSON can hold. */
function roleOf(body: Record<string, unknown>): string | undefined {
  const fields = Object.entries(body).filter(([name, value]) => !NOT_IN_ROLE.has(name) && (value ?? null) !== null);
  try {
    return fields.length === 0 ? '' : canonicalJson(Object.fromEntries(fields));
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
