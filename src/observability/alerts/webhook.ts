import { redactedError } from '../../describe.js';
import type { WatchClock } from './clock.js';

/** How long an answer is waited for, in milliseconds. */
const TIMEOUT = 10_000;

/** The pauses between attempts, in milliseconds. */
const PAUSES = [1000, 5000, 25_000];

/** What may wait for a webhook that does not answer. */
const MAX_WAITING = 100;

/**
 * Posts JSON to a URL, one after the other, each again where it fails. Errors do not show the URL:
 * who knows it may post.
 */
export class Webhook {
  readonly #url: string;
  readonly #clock: WatchClock;
  readonly #stopped = new AbortController();
  #last: Promise<unknown> = Promise.resolve();
  #waiting = 0;

  constructor(url: string, clock: WatchClock) {
    this.#url = url;
    this.#clock = clock;
  }

  /**
   * Resolves to undefined when it is delivered, or to why it is not and will not be. Never rejects.
   */
  async post(body: unknown): Promise<string | undefined> {
    if (this.#waiting === MAX_WAITING) return 'too many wait for the webhook';
    this.#waiting += 1;
    const posted = this.#last.then(() => this.#deliver(JSON.stringify(body))).catch(() => 'failed');
    this.#last = posted;
    const failure = await posted;
    this.#waiting -= 1;
    return failure;
  }

  /** Gives up what is under way or waits. */
  stop(): void {
    this.#stopped.abort();
  }

  async #deliver(body: string): Promise<string | undefined> {
    const { signal } = this.#stopped;
    for (let attempt = 0; ; attempt += 1) {
      if (signal.aborted) return 'the watcher was stopped';
      const failure = await this.#attempt(body);
      if (failure === undefined) return undefined;
      const pause = PAUSES[attempt];
      if (pause === undefined || !failure.isWorthRetrying) return failure.why;
      await this.#clock.pause(pause, signal);
    }
  }

  async #attempt(body: string): Promise<{ why: string; isWorthRetrying: boolean } | undefined> {
    const { signal: stopped } = this.#stopped;
    const attempt = new AbortController();
    const giveUp = () => attempt.abort();
    stopped.addEventListener('abort', giveUp);
    void this.#clock.pause(TIMEOUT, attempt.signal).then(giveUp);
    try {
      const response = await fetch(this.#url, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body,
        signal: attempt.signal,
        // Followed, it would become a GET, which may well be answered.
        redirect: 'manual',
      });
      // Unread, it would keep the connection.
      await response.body?.cancel();
      if (response.ok) return undefined;
      const { status } = response;
      return { why: `HTTP ${status}`, isWorthRetrying: status >= 500 || status === 408 || status === 429 };
    } catch (error) {
      const why = attempt.signal.aborted ? 'no answer in time' : reasonOf(error);
      return { why, isWorthRetrying: true };
    } finally {
      stopped.removeEventListener('abort', giveUp);
      giveUp();
    }
  }
}

/** The system's code, such as ECONNREFUSED: messages may hold the address. */
function reasonOf(error: unknown): string {
  const { name, cause } = redactedError(error) as Error & { cause?: { code?: unknown } };
  return typeof cause?.code === 'string' ? cause.code : name;
}
