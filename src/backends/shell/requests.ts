import { attempt, isPromise, notAwaited } from '../../async/attempt.js';
import { withTimeout } from '../../async/timeout.js';
import { BackendError, redactedCause, VecstashError } from '../../errors.js';
import { isError } from '../../realms.js';
import type { ReadContext } from '../backend.js';
import { systemCode } from '../system-errors.js';
import { isTimeoutError, settleEach } from './settle-each.js';

/** A value, or the promise of one: a store may answer at once. */
export type Awaitable<T> = T | PromiseLike<T>;

/** What a method returns that may return nothing. */
// biome-ignore lint/suspicious/noConfusingVoidType: of methods without a return value TypeScript says void
export type OrNothing<T> = T | void;

/** What a request needs to know of its store. */
export interface RequestOptions {
  readonly storeName: string;
  /** In milliseconds. */
  readonly timeoutMs: number | undefined;
  readonly concurrency: number;
  readonly reasonOf: ((error: unknown) => string) | undefined;
}

/**
 * Sends requests to a store: bounds their time, and makes errors of vecstash of whatever they fail
 * with.
 */
export class Requests {
  readonly #options: RequestOptions;
  /**
   * Errors of requests that had no answer in time: whatever else is asked would not be answered
   * either.
   */
  readonly #late = new WeakSet<object>();
  readonly #made = new WeakSet<object>();

  constructor(options: RequestOptions) {
    this.#options = options;
  }

  /** One request. Answers at once where the store does. */
  send<T>(request: (context: RequestContext) => Awaitable<T>, caller?: Partial<ReadContext>): Awaitable<T> {
    const { timeoutMs } = this.#options;
    if (timeoutMs !== undefined) return this.#sendWithin(timeoutMs, request, caller);
    const context = new RequestContext(caller, this.errorOf);
    try {
      const answer = request(context);
      if (isPromise(answer)) return this.#settled(answer, context);
      if (context.failure !== undefined) throw context.failure;
      return answer;
    } catch (error) {
      throw this.errorOf(error);
    }
  }

  /**
   * A request for each chunk, some at once. After one that had no answer in time none is begun:
   * they count as failed like it.
   */
  sendEach<Chunk, T>(
    chunks: readonly Chunk[],
    request: (chunk: Chunk, context: RequestContext) => Awaitable<T>,
    caller?: Partial<ReadContext>,
  ): Promise<PromiseSettledResult<T>[]> {
    const send = async (chunk: Chunk) => this.send((context) => request(chunk, context), caller);
    return settleEach(chunks, this.#options.concurrency, send, (reason) => this.#late.has(reason as object));
  }

  /** Runs a call of the store that bounds its requests itself. */
  async guard<T>(call: () => Promise<T>): Promise<T> {
    try {
      return await call();
    } catch (error) {
      throw this.errorOf(error);
    }
  }

  /** Whether the words of an error are from here, and not from the store. */
  hasMade(error: object): boolean {
    return this.#made.has(error);
  }

  /**
   * A failure as callers see it: an error of vecstash as it is, of any other a few words that hold
   * nothing of keys and credentials.
   */
  readonly errorOf = (error: unknown): Error => {
    if (isOurs(error)) return error;
    const made = new BackendError(`${this.#options.storeName}: ${this.reasonOf(error)}`, {
      cause: redactedCause(error),
    });
    this.#made.add(made);
    if (isTimeoutError(error)) this.#late.add(made);
    return made;
  };

  /** Why something failed, without the store's name. */
  reasonOf(error: unknown): string {
    const { storeName } = this.#options;
    try {
      if (isOurs(error))
        return error.message.startsWith(`${storeName}: `) ? error.message.slice(storeName.length + 2) : error.message;
      if (this.#options.reasonOf) {
        const reason: unknown = notAwaited(this.#options.reasonOf(error));
        return typeof reason === 'string' ? reason : 'failed';
      }
      if (!isError(error)) return 'failed';
      return systemCode(error) ?? (error.name === 'Error' ? 'failed' : error.name);
    } catch {
      // What was thrown has properties that throw.
      return 'failed';
    }
  }

  async #settled<T>(answer: PromiseLike<T>, context: RequestContext): Promise<T> {
    try {
      const value = await answer;
      if (context.failure !== undefined) throw context.failure;
      return value;
    } catch (error) {
      throw this.errorOf(error);
    }
  }

  #sendWithin<T>(
    timeoutMs: number,
    request: (context: RequestContext) => Awaitable<T>,
    caller: Partial<ReadContext> | undefined,
  ): Promise<T> {
    const controller = new AbortController();
    const context = new RequestContext({ ...caller, signal: controller.signal }, this.errorOf);
    const call = () =>
      this.#settled(
        attempt(() => request(context)),
        context,
      );
    const error = () => {
      const late = new BackendError(`${this.#options.storeName}: no answer in time`);
      this.#late.add(late);
      this.#made.add(late);
      return late;
    };
    return withTimeout(call, { timeoutMs, signal: caller?.signal, error }, () => controller.abort());
  }
}

/** What a store is handed with a request. */
export class RequestContext implements ReadContext {
  readonly onPart: ReadContext['onPart'];
  readonly onProgress: ReadContext['onProgress'];
  readonly isRepeated: boolean | undefined;
  /** What a part failed with, where the caller does not listen. */
  failure: unknown;
  readonly #onPartialFailure: ReadContext['onPartialFailure'] | undefined;
  readonly #errorOf: (error: unknown) => Error;
  #signal: AbortSignal | undefined;

  constructor(caller: Partial<ReadContext> | undefined, errorOf: (error: unknown) => Error) {
    this.#errorOf = errorOf;
    this.onPart = caller?.onPart;
    this.onProgress = caller?.onProgress;
    this.isRepeated = caller?.isRepeated;
    this.#onPartialFailure = caller?.onPartialFailure;
    this.#signal = caller?.signal;
  }

  /** Made where it is asked for: stores in memory need none. */
  get signal(): AbortSignal {
    this.#signal ??= new AbortController().signal;
    return this.#signal;
  }

  /** Undefined where nothing can abort the request. */
  get abortSignal(): AbortSignal | undefined {
    return this.#signal;
  }

  get onPartialFailure(): (error: unknown) => void {
    return (error) => {
      if (this.#onPartialFailure) this.#onPartialFailure(this.#errorOf(error));
      else this.failure ??= error;
    };
  }
}

/**
 * The signal of a request, or undefined where nothing can abort it: making one and listening to it
 * takes half as long as a read of one key.
 */
export function abortSignalOf(context: { readonly signal: AbortSignal }): AbortSignal | undefined {
  return context instanceof RequestContext ? context.abortSignal : context.signal;
}

function isOurs(error: unknown): error is VecstashError {
  try {
    return error instanceof VecstashError;
  } catch {
    return false;
  }
}

/** What `next` makes of an answer, at once where that is there. */
export function map<T, U>(answer: Awaitable<T>, next: (answer: T) => U): Awaitable<U> {
  return isPromise(answer) ? answer.then(next) : next(answer);
}
