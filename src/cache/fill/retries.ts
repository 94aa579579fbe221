import * as v from 'valibot';
import { isPromise, notAwaited } from '../../async/attempt.js';
import { backoffDelay } from '../../async/backoff.js';
import { switchable, ttlSchema } from '../../options.js';
import type { Ttl } from '../../ttl.js';
import { failureOfProvider } from './provider-error.js';

/** When a call of the model that failed is tried again. */
export interface RetryOptions {
  /** The most tries after the first one. @default 2 */
  retries?: number | undefined;
  /**
   * The pause before the first of them; each later one is twice as long, less up to half of it by
   * chance. `Retry-After` takes its place. @default 500 (milliseconds)
   */
  minDelay?: Ttl | undefined;
  /**
   * The longest pause. Where `Retry-After` asks for a longer one the call fails at once.
   * @default 30000 (milliseconds)
   */
  maxDelay?: Ttl | undefined;
  /** The longest that all pauses of one call may take. @default 60000 (milliseconds) */
  budget?: Ttl | undefined;
  /**
   * Whether an error is worth another try; where this throws, or returns a promise, it is not.
   * @default HTTP status 408, 409, 425, 429 and 5xx, or connections that failed, unless the
   * provider says otherwise
   */
  isRetryable?: ((error: unknown) => boolean) | undefined;
}

const schema = v.strictObject({
  retries: v.optional(v.pipe(v.number(), v.integer('a whole number'), v.minValue(0), v.maxValue(100)), 2),
  minDelay: v.optional(ttlSchema, 500),
  maxDelay: v.optional(ttlSchema, 30_000),
  budget: v.optional(ttlSchema, 60_000),
  isRetryable: v.optional(v.custom<(error: unknown) => boolean>((value) => typeof value === 'function', 'a function')),
});

export type CheckedRetries = v.InferOutput<typeof schema>;

/** The option `retry`: what it says, or nothing. */
export const retrySchema = switchable(schema);

/** How long a call that keeps failing has been waited for. */
export class Retries {
  readonly #options: CheckedRetries;
  #failures = 0;
  #paused = 0;

  constructor(options: CheckedRetries) {
    this.#options = options;
  }

  /** The pause before the next try, in milliseconds; undefined where the error is final. */
  pauseAfter(error: unknown): number | undefined {
    const { retries, minDelay, maxDelay, budget, isRetryable } = this.#options;
    if (this.#failures === retries) return undefined;
    const failure = failureOfProvider(error);
    if (!(isRetryable ? saysYes(isRetryable, error) : failure.isRetryable)) return undefined;
    const own = backoffDelay(this.#failures, { baseMs: minDelay, maxMs: maxDelay, jitter: 0.5 });
    const pause = failure.retryAfterMs ?? own;
    if (pause > maxDelay || this.#paused + pause > budget) return undefined;
    this.#failures += 1;
    this.#paused += pause;
    return pause;
  }
}

/** Where it throws, or answers later, the model's own error is the one to be told. */
function saysYes(isRetryable: (error: unknown) => boolean, error: unknown): boolean {
  try {
    const answer = notAwaited(isRetryable(error));
    return !isPromise(answer) && answer;
  } catch {
    return false;
  }
}
