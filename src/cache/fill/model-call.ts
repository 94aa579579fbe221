import { notAwaited } from '../../async/attempt.js';
import { describeValue } from '../../describe.js';
import { EmbedError, InvalidOptionError } from '../../errors.js';
import { emit } from '../../events.js';
import { copiesOfInputs } from '../inputs.js';
import type { NamespaceCodec } from '../namespace-codec.js';
import type { EmbedFunction } from '../options.js';
import type { RateLimit } from './rate-limit.js';
import { type CheckedRetries, Retries } from './retries.js';
import { takeVectors } from './taken-vectors.js';
import { type InputTokens, sumOf, tokensOfInputs } from './usage.js';

/** Who is called, and what for. */
export interface ModelCall<Input> {
  namespace: string;
  /** The model's id. */
  id: string;
  embed: EmbedFunction<Input>;
  codec: NamespaceCodec;
  retry: CheckedRetries | undefined;
  limit: RateLimit | undefined;
  /** Estimates the tokens of an input. */
  countTokens: (input: Input) => number;
}

/** How one call is made. */
export interface CallContext {
  signal: AbortSignal;
  /** Waits for a time, in milliseconds, in which others may call the model. */
  pause: (milliseconds: number) => Promise<void>;
  /** Throws where the inputs are no longer what was asked for: called before each try. */
  check: () => void;
}

/** What the model made of inputs. */
export interface ModelAnswer {
  vectors: Float32Array[];
  /** Undefined where the model did not say. */
  tokens: InputTokens | undefined;
}

type Usage = Parameters<Parameters<EmbedFunction<never>>[1]['usage']>[0];

/**
 * Calls the model as `askModel` does, within its rate limit, and again where it failed and is worth
 * another try.
 */
export async function callModel<Input>(
  model: ModelCall<Input>,
  inputs: readonly Input[],
  { signal, pause, check }: CallContext,
): Promise<ModelAnswer> {
  const retries = model.retry && new Retries(model.retry);
  for (;;) {
    const entered = await enterLimit(model, inputs, signal);
    signal.throwIfAborted();
    check();
    try {
      return await callOnce(model, inputs, signal, entered);
    } catch (error) {
      const delay =
        signal.aborted || !(error instanceof EmbedError) || error.cause === undefined
          ? undefined
          : retries?.pauseAfter(error.original);
      if (delay === undefined) throw error;
      await pause(delay);
    }
  }
}

/** Waits for the rate limit. Returns what is told how many tokens the call took. */
async function enterLimit<Input>(
  { limit, countTokens }: ModelCall<Input>,
  inputs: readonly Input[],
  signal: AbortSignal,
): Promise<((tokens: number) => void) | undefined> {
  if (limit === undefined) return undefined;
  const tokens = inputs.reduce((sum, input) => sum + checkedCount(notAwaited(countTokens(input))), 0);
  return limit.enter(Math.min(tokens, Number.MAX_SAFE_INTEGER), signal);
}

/** Anything else would never fit into a minute, or make room in it. */
function checkedCount(count: unknown): number {
  if (typeof count === 'number' && count >= 0 && count < Number.POSITIVE_INFINITY) return count;
  const option = 'rateLimit.countTokens';
  throw new InvalidOptionError(
    option,
    'a function that returns a finite number of at least 0',
    describeValue(count, option),
  );
}

/** Calls the model, and tells of the call. */
async function callOnce<Input>(
  model: ModelCall<Input>,
  inputs: readonly Input[],
  signal: AbortSignal,
  onTokens: ((tokens: number) => void) | undefined,
): Promise<ModelAnswer> {
  const startedAt = performance.now();
  let reported: Usage | undefined;
  let ok = false;
  const usage = (taken: Usage) => {
    reported = taken;
  };
  try {
    const vectors = await askModel(model, inputs, { signal, usage });
    ok = true;
    const tokens = tokensOfInputs(reported, inputs);
    if (tokens !== undefined) onTokens?.(sumOf(reported) as number);
    return { vectors, tokens };
  } finally {
    const durationMs = performance.now() - startedAt;
    emit('model', () => ({
      namespace: model.namespace,
      model: model.id,
      inputs: inputs.length,
      tokens: sumOf(reported),
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
  { embed, codec }: ModelCall<Input>,
  inputs: readonly Input[],
  context: Parameters<EmbedFunction<Input>>[1],
): Promise<Float32Array[]> {
  const count = inputs.length;
  const all = Array.from({ length: count }, (_, i) => i);
  let answer: unknown;
  try {
    // Copies: some providers take their inputs out of the array one by one, or work on bytes where
    // they lie, and the next try must ask for the same.
    answer = await embed(copiesOfInputs(inputs), context);
  } catch (cause) {
    throw new EmbedError('the model failed', all, { cause });
  }
  try {
    return takeVectors(answer, count, codec);
  } catch (error) {
    // What is no EmbedError came out of the answer itself, a getter for example.
    const { message } = error instanceof EmbedError ? error : { message: 'the model returned what cannot be read' };
    throw new EmbedError(message, all);
  }
}
