import { Semaphore } from '../../async/semaphore.js';
import * as runtime from '../../runtime.js';

/** How fast a model may be called: all namespaces that are given the same object share its limit. */
export interface RateLimitOptions<Input = string> {
  /** The most calls in any minute. @default no limit */
  requests?: number | undefined;
  /**
   * The most tokens in any minute: what a call took where `embed` reported it, before that an
   * estimate. @default no limit
   */
  tokens?: number | undefined;
  /**
   * Estimates the tokens of an input: a finite number of at least 0. A call for which it returns
   * anything else rejects with `InvalidOptionError`, and asks no model.
   * @default a token for each four bytes of a text
   */
  countTokens?: ((input: Input) => number) | undefined;
}

/** In milliseconds. */
const MINUTE = 60_000;

interface Call {
  at: number;
  tokens: number;
  isOver: boolean;
}

/** Where time comes from; a test has its own. */
export interface LimitClock {
  now(): number;
  sleep(milliseconds: number, options: { signal: AbortSignal }): Promise<void>;
}

/**
 * Lets calls begin, in order, so that in no minute there are more of them, or more tokens, than
 * allowed: a window that slides, since a bucket that fills up lets through twice as much in the
 * first minute. A call of more tokens than a minute has waits for an empty window. Written here
 * because what packages there are cannot end a wait by a signal, or correct an estimate.
 */
export class RateLimit {
  readonly #requests: number;
  readonly #tokens: number;
  readonly #clock: LimitClock;
  /** In order. Those from `#first` on are of the last minute, and have `#sum` tokens. */
  readonly #calls: Call[] = [];
  #first = 0;
  #sum = 0;
  readonly #queue = new Semaphore(1);

  constructor(
    { requests, tokens }: RateLimitOptions<never>,
    clock: LimitClock = { ...runtime.performance, ...runtime },
  ) {
    this.#requests = requests ?? Number.POSITIVE_INFINITY;
    this.#tokens = tokens ?? Number.POSITIVE_INFINITY;
    this.#clock = clock;
  }

  /**
   * Resolves when a call of about so many tokens may begin, to what is told how many it took.
   * Rejects with the signal's reason.
   */
  async enter(tokens: number, signal: AbortSignal): Promise<(tokens: number) => void> {
    await this.#queue.acquire(signal).granted;
    try {
      for (;;) {
        const wait = this.#waitFor(tokens);
        if (wait <= 0) break;
        await this.#clock.sleep(wait, { signal });
      }
      const call = { at: this.#clock.now(), tokens, isOver: false };
      this.#calls.push(call);
      this.#sum += tokens;
      return (taken) => {
        if (!call.isOver) this.#sum += taken - call.tokens;
        call.tokens = taken;
      };
    } finally {
      this.#queue.release();
    }
  }

  /** How long it takes until a call fits, in milliseconds. */
  #waitFor(tokens: number): number {
    const now = this.#clock.now();
    this.#forget(now - MINUTE);
    let sum = this.#sum;
    let wait = 0;
    for (let next = this.#first; next < this.#calls.length; next++) {
      if (this.#calls.length - next < this.#requests && sum + tokens <= this.#tokens) break;
      const call = this.#calls[next] as Call;
      sum -= call.tokens;
      wait = call.at + MINUTE - now;
    }
    return wait;
  }

  /** Forgets the calls that began no later than `end`. */
  #forget(end: number): void {
    for (;;) {
      const call = this.#calls[this.#first];
      if (call === undefined || call.at > end) break;
      call.isOver = true;
      this.#sum -= call.tokens;
      this.#first += 1;
    }
    if (2 * this.#first < this.#calls.length) return;
    this.#calls.splice(0, this.#first);
    this.#first = 0;
    // What fractions leave behind.
    if (this.#calls.length === 0) this.#sum = 0;
  }
}

/** By the options that they were made of. */
const limits = new WeakMap<object, RateLimit>();

/** The limit that these options, as they were given, stand for. */
export function limitOf(options: RateLimitOptions<never>): RateLimit {
  const known = limits.get(options) ?? new RateLimit(options);
  limits.set(options, known);
  return known;
}
