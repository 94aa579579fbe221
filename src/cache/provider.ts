import { EmbedError } from '../errors.js';
import { tell } from '../events.js';
import type { EmbedFunction } from './options.js';

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
  inputs: Input[],
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
    tell('model', () => ({
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
 * Calls the model for `inputs` and checks the whole answer before any of it is believed. Throws `EmbedError` whose indices are
 * those of `inputs`; one bad row refuses them all, because nobody knows any more which row is whose.
 */
async function askModel<Input>(
  { embed, dimensions }: ModelCall<Input>,
  inputs: Input[],
  context: Parameters<EmbedFunction<Input>>[1],
): Promise<Float32Array[]> {
  const all = inputs.map((_, i) => i);
  let answer: unknown;
  try {
    answer = await embed(inputs, context);
  } catch (cause) {
    throw new EmbedError('the model failed', all, { cause });
  }
  if (!Array.isArray(answer) || answer.length !== inputs.length) {
    const received = Array.isArray(answer) ? `${answer.length} vectors` : typeof answer;
    throw new EmbedError(`the model returned ${received} for ${inputs.length} inputs`, all);
  }
  return answer.map((row, i) => {
    const wrong = whatIsWrong(row, dimensions);
    if (wrong !== undefined)
      throw new EmbedError(`the model returned ${wrong} as vector ${i} of ${inputs.length}`, all);
    // A copy, also of a Float32Array: what is handed out must be nobody else's.
    return Float32Array.from(row as ArrayLike<number>);
  });
}

/** What keeps `row` from being a vector of `dimensions` finite numbers, not all zero; undefined where nothing does. */
export function whatIsWrong(row: unknown, dimensions: number): string | undefined {
  const isList = Array.isArray(row) || (ArrayBuffer.isView(row) && !(row instanceof DataView));
  if (!isList) return row === null ? 'null' : `a ${typeof row}`;
  const vector = row as ArrayLike<number>;
  if (vector.length !== dimensions) return `${vector.length} dimensions instead of ${dimensions}`;
  let isZero = true;
  for (let i = 0; i < dimensions; i++) {
    const x = vector[i];
    if (typeof x !== 'number') return `a ${typeof x} in dimension ${i}`;
    // fround: a double may be finite and its float32 not.
    if (!Number.isFinite(Math.fround(x))) return `a number that is not finite (dimension ${i})`;
    if (x !== 0) isZero = false;
  }
  return isZero ? 'nothing but zeros' : undefined;
}
