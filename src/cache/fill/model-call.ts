import { EmbedError } from '../../errors.js';
import { emit } from '../../events.js';
import type { EmbedFunction } from '../options.js';

/** Who is called, and what for. */
export interface ModelCall<Input> {
  namespace: string;
  /** The model's id. */
  id: string;
  embed: EmbedFunction<Input>;
  dimensions: number;
}

/** Calls the model as `askModel` does, and tells of the call. */
export async function callModel<Input>(
  model: ModelCall<Input>,
  inputs: readonly Input[],
  signal: AbortSignal,
): Promise<Float32Array[]> {
  const startedAt = performance.now();
  let tokens: number | undefined;
  let ok = false;
  const usage = (taken: number) => {
    tokens = taken;
  };
  try {
    const vectors = await askModel(model, inputs, { signal, usage });
    ok = true;
    return vectors;
  } finally {
    const durationMs = performance.now() - startedAt;
    emit('model', () => ({
      namespace: model.namespace,
      model: model.id,
      inputs: inputs.length,
      tokens,
      durationMs,
      ok,
    }));
  }
}

/**
 * Calls the model for `inputs` and checks the whole answer before any of it is believed. Throws
 * `EmbedError` whose indices are those of `inputs`; one bad row refuses them all, because nobody
 * knows any more which row is whose. What is returned is nobody else's: the model may change its
 * arrays and use them again.
 */
async function askModel<Input>(
  { embed, dimensions }: ModelCall<Input>,
  inputs: readonly Input[],
  context: Parameters<EmbedFunction<Input>>[1],
): Promise<Float32Array[]> {
  const count = inputs.length;
  const all = Array.from({ length: count }, (_, i) => i);
  let answer: unknown;
  try {
    // A copy: some providers take their inputs out of the array one by one, or leave blank ones
    // out.
    answer = await embed(inputs.slice(), context);
  } catch (cause) {
    throw new EmbedError('the model failed', all, { cause });
  }
  try {
    return takeVectors(answer, count, dimensions);
  } catch (error) {
    // What is no EmbedError came out of the answer itself, a getter for example.
    const { message } = error instanceof EmbedError ? error : { message: 'the model returned what cannot be read' };
    throw new EmbedError(message, all);
  }
}

function takeVectors(answer: unknown, count: number, dimensions: number): Float32Array[] {
  if (!Array.isArray(answer) || answer.length !== count) {
    const received = Array.isArray(answer) ? `${answer.length} vectors` : typeof answer;
    throw new EmbedError(`the model returned ${received} for ${count} inputs`, []);
  }
  const vectors: Float32Array[] = [];
  // By index: `map` passes over the places that an answer left empty.
  for (let i = 0; i < count; i++) {
    const { vector, problem } = takeVector(answer[i], dimensions);
    if (vector === undefined) throw new EmbedError(`the model returned ${problem} as vector ${i} of ${count}`, []);
    vectors.push(vector);
  }
  return vectors;
}

/** What became of a row: a vector of its own, or what is wrong with it. */
type TakenVector = { vector: Float32Array; problem?: undefined } | { vector?: undefined; problem: string };

/**
 * Copies `row` into a vector, where it is one of `dimensions` numbers that are finite as float32s
 * and, as such, not all zero. Each element is read once, so what was checked is what is kept.
 */
export function takeVector(row: unknown, dimensions: number): TakenVector {
  const isList = Array.isArray(row) || (ArrayBuffer.isView(row) && !(row instanceof DataView));
  if (!isList) return { problem: row === null ? 'null' : `a value of type ${typeof row}` };
  const given = row as ArrayLike<unknown>;
  if (given.length !== dimensions) return { problem: `${given.length} dimensions instead of ${dimensions}` };
  const vector = new Float32Array(dimensions);
  let isZero = true;
  for (let i = 0; i < dimensions; i++) {
    const x = given[i];
    if (typeof x !== 'number') return { problem: `a value of type ${typeof x} in dimension ${i}` };
    vector[i] = x;
    const kept = vector[i] as number;
    // A double may be finite and its float32 not, or not be zero and its float32 be.
    if (!Number.isFinite(kept)) return { problem: `a number that is not finite (dimension ${i})` };
    if (kept !== 0) isZero = false;
  }
  return isZero ? { problem: 'nothing but zeros' } : { vector };
}
