import { redactedError } from './describe.js';

/**
 * Every error that vecstash throws on purpose. `code` is stable and safe to switch on; no message,
 * `cause` or property ever holds a text, a key's input or a vector.
 *
 * The package is published as ESM and CJS, and a process can hold both: `instanceof` works across
 * the two copies because each class recognises its own brand, a registered symbol, instead of its
 * own identity.
 */
export class VecstashError extends Error {
  /** The name of the class, whatever a bundler makes of it. */
  protected static readonly brand: string = 'VecstashError';
  readonly code: string;

  constructor(code: string, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = Object.hasOwn(new.target, 'brand') ? new.target.brand : new.target.name;
    this.code = code;
    for (let type: typeof VecstashError = new.target; type.brand !== undefined; type = Object.getPrototypeOf(type)) {
      if (Object.hasOwn(type, 'brand')) Object.defineProperty(this, symbolOf(type.brand), { value: true });
    }
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: `this` is the class on the right of instanceof, which is the point
    return isInstance(this, value);
  }
}

function isInstance(type: object, value: unknown): boolean {
  // A class that an application derives is what it is.
  if (!Object.hasOwn(type, 'brand')) return Function.prototype[Symbol.hasInstance].call(type, value);
  return typeof value === 'object' && value !== null && symbolOf((type as { brand: string }).brand) in value;
}

function symbolOf(brand: string): symbol {
  return Symbol.for(`vecstash.${brand}`);
}

function problem(expected: string, received: string | undefined): string {
  return received === undefined ? expected : `expected ${expected}, got ${received}`;
}

/** An option is missing, misspelt or out of range. Thrown by constructors and factories only. */
export class InvalidOptionError extends VecstashError {
  protected static override readonly brand: string = 'InvalidOptionError';
  /** The option's path, such as `model.id`. */
  readonly option: string;

  /**
   * @param received absent where `expected` is a whole sentence, which says what is wrong and what
   * to do
   */
  constructor(option: string, expected: string, received?: string) {
    super('INVALID_OPTION', `option ${option}: ${problem(expected, received)}`);
    this.option = option;
  }
}

/** An argument of a call is not what the call takes. */
export class InvalidInputError extends VecstashError {
  protected static override readonly brand: string = 'InvalidInputError';
  /** The argument's path, such as `inputs[3]`. */
  readonly field: string;

  /**
   * @param received absent where `expected` is a whole sentence, which says what is wrong and what
   * to do
   */
  constructor(field: string, expected: string, received?: string) {
    super('INVALID_INPUT', `${field}: ${problem(expected, received)}`);
    this.field = field;
  }
}

/**
 * The WebAssembly engine failed at a batch, which is a fault of its own: nothing was written. The
 * next call has a new instance.
 */
export class EngineError extends VecstashError {
  protected static override readonly brand: string = 'EngineError';
  constructor() {
    super('ENGINE', 'the WebAssembly engine failed at this batch: please report which vector or value it was');
  }
}

/**
 * Errors of others, by what is told of them. In no property, so that nothing that prints or
 * serialises an error finds them.
 */
const originals = new WeakMap<object, unknown>();

/**
 * What may be told of an error that somebody else's code threw: one of vecstash's own as it is, of
 * any other its name, code, HTTP status and where it was thrown. The error itself can be had from
 * an `EmbedError` alone.
 */
export function redactedCause(error: unknown): Error {
  if (error instanceof VecstashError || (error instanceof Error && originals.has(error))) return error;
  const redacted = redactedError(error);
  originals.set(redacted, error);
  return redacted;
}

/**
 * The model failed, or returned something that is not an embedding for each input. Nothing of the
 * failed inputs is stored. `cause` tells the name, the code and the HTTP status of what the model
 * threw, and no more: its message and its other properties may hold the texts.
 */
export class EmbedError extends VecstashError {
  protected static override readonly brand: string = 'EmbedError';
  /**
   * The positions, in the caller's inputs, that have no vector. Every other input was answered and
   * stored.
   */
  readonly indices: readonly number[];

  constructor(message: string, indices: readonly number[], options?: { cause?: unknown }) {
    const cause = options?.cause === undefined ? undefined : redactedCause(options.cause);
    super('EMBED_FAILED', message, cause && { cause });
    this.indices = indices;
  }

  /**
   * What the model itself threw, undefined where it threw nothing. It may hold the texts (many
   * clients put the request into their errors), so nothing that prints, logs or serialises this
   * error shows it: whoever asks for it decides where it goes.
   */
  get original(): unknown {
    const { cause } = this;
    if (cause instanceof EmbedError) return cause.original;
    return typeof cause === 'object' && cause !== null && originals.has(cause) ? originals.get(cause) : cause;
  }
}

/**
 * A model, or a function that computes a value, asked the cache for what it is computing itself,
 * directly or by way of another computation: it would wait for its own end.
 */
export class NestedCallError extends VecstashError {
  protected static override readonly brand: string = 'NestedCallError';
  constructor() {
    super(
      'NESTED_CALL',
      'this computation asked the cache for what it is computing itself: compute it without the cache, or ask for another input',
    );
  }
}

/**
 * A record cannot be used. `decodeOne` throws it; everywhere else such a record is a miss and a
 * count.
 */
export class CorruptRecordError extends VecstashError {
  protected static override readonly brand: string = 'CorruptRecordError';
  /** What was wrong: one of the reasons of docs/format.md section 1. */
  readonly reason: string;

  constructor(reason: string) {
    super('CORRUPT_RECORD', `record refused: ${reason}`);
    this.reason = reason;
  }
}

/**
 * A backend could not do what it was asked. The cache turns it into misses and a count; whoever
 * calls a backend sees it.
 */
export class BackendError extends VecstashError {
  protected static override readonly brand: string = 'BackendError';
  constructor(message: string, options?: { cause?: unknown }, code = 'BACKEND_FAILED') {
    super(code, message, options);
  }
}

/**
 * Entries are larger than a store takes (see `BackendLimits`). Everything else of the batch is
 * stored.
 */
export class BackendLimitError extends BackendError {
  protected static override readonly brand: string = 'BackendLimitError';
  /** Which limit. */
  readonly limit: 'keyBytes' | 'valueBytes';
  /** How many entries of the batch were left out, for this limit or the other. */
  readonly count: number;

  constructor(limit: 'keyBytes' | 'valueBytes', most: number, count: number) {
    const what = limit === 'keyBytes' ? 'keys' : 'values';
    super(`${count} entries not stored: the store takes ${what} of at most ${most} bytes`, undefined, 'BACKEND_LIMIT');
    this.limit = limit;
    this.count = count;
  }
}

/** A part of a store is away: what lies there could not be written, and everything else was. */
export class PartialFailureError extends BackendError {
  protected static override readonly brand: string = 'PartialFailureError';
  constructor(message: string) {
    super(message, undefined, 'BACKEND_PARTIAL');
  }
}

/** The cache or the backend was used after `close()`. */
export class ClosedError extends VecstashError {
  protected static override readonly brand: string = 'ClosedError';
  constructor(what: string) {
    super('CLOSED', `${what} is closed`);
  }
}
