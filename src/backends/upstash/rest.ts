import type { Requester } from '@upstash/redis';
import { type ChunkSize, chunksWithin } from '../../async/chunks.js';
import { forEachConcurrently } from '../../async/semaphore.js';
import { withTimeout } from '../../async/timeout.js';
import { isConnectionLost } from '../system-errors.js';
import { type Command, keyChunks, unlink } from './commands.js';
import { replyReason, requestReason } from './error.js';
import { lockNames } from './lock-names.js';

/** What came of a command: what it says, or why it failed. */
export type Outcome<T> = { value: T; failure?: undefined } | { value?: undefined; failure: string };

export interface RunOptions {
  /** Aborted when the answers are no longer waited for. */
  signal?: AbortSignal | undefined;
  /**
   * Whether the commands may be sent a second time when their connection is lost: not where the
   * answer would be another then.
   */
  isRepeatable: boolean;
}

/**
 * What one request may hold. Upstash refuses larger bodies: from 1 MB on where the plan is small or
 * old, from 10 MB on with newer ones. The keys bound what is answered: 1024 records of 4 KB are 4
 * MB.
 */
const REQUEST: ChunkSize = { count: 1024, bytes: 950_000 };

/** Requests of one call at a time: each may be a connection, and they share the bandwidth. */
const AT_ONCE = 4;

/** Sends commands to Upstash's REST API. */
export class UpstashRest {
  readonly #requester: Requester;
  readonly #timeout: number;

  /** @param timeout milliseconds that a request may take, with its repetition */
  constructor(requester: Requester, timeout: number) {
    this.#requester = requester;
    this.#timeout = timeout;
  }

  /**
   * Sends commands in as few requests as can be, and tells what came of each; it never rejects.
   * They may be executed in any order. When one request is not answered in time, or the signal is
   * aborted, the others end too: what was answered by then counts.
   */
  async run<T>(commands: readonly Command<T>[], { signal, isRepeatable }: RunOptions): Promise<Outcome<T>[]> {
    const call = new AbortController();
    const leave = () => call.abort('no longer waited for');
    if (signal?.aborted) leave();
    signal?.addEventListener('abort', leave);
    const outcomes: Outcome<T>[][] = [];
    await forEachConcurrently(
      chunksWithin(commands, REQUEST, ({ size }) => size),
      AT_ONCE,
      async (part, index) => {
        outcomes[index] = await this.#request(part, call, isRepeatable);
      },
    );
    signal?.removeEventListener('abort', leave);
    return outcomes.flat();
  }

  async #request<T>(commands: Command<T>[], call: AbortController, isRepeatable: boolean): Promise<Outcome<T>[]> {
    const { signal } = call;
    try {
      // Left by ourselves when it is aborted: the SDK makes an answer of an abort, and older
      // versions do not hear of it.
      const answer = await withTimeout(
        () => this.#send(commands, signal, isRepeatable),
        { timeoutMs: this.#timeout, signal },
        () => call.abort(`no answer within ${this.#timeout} ms`),
      );
      return outcomesOf(commands, answer);
    } catch (error) {
      const failure = signal.aborted ? String(signal.reason) : requestReason(error);
      return commands.map(() => ({ failure }));
    }
  }

  async #send(commands: Command<unknown>[], signal: AbortSignal, isRepeatable: boolean): Promise<unknown> {
    for (let isLast = !isRepeatable; ; isLast = true) {
      signal.throwIfAborted();
      try {
        const body = [...unlocksOf(commands), ...commands].map((command) => command.words());
        return await this.#requester.request({ path: ['pipeline'], body, signal });
      } catch (error) {
        // A server closes connections that were idle for long, and a request may be on its way
        // then: a new one goes through.
        if (isLast || !isConnectionLost(error)) throw error;
      }
    }
  }
}

/**
 * What ends the locks of a request's commands, before these. Upstash executes a request's commands
 * in their order.
 */
function unlocksOf(commands: readonly Command<unknown>[]): Command<number>[] {
  return keyChunks(commands.flatMap(({ unlocks = [] }) => lockNames(unlocks))).map(unlink);
}

/** Takes each answer for itself: one command may fail and the next succeed. */
function outcomesOf<T>(commands: readonly Command<T>[], answer: unknown): Outcome<T>[] {
  const unlocks = unlocksOf(commands);
  const isWhole = Array.isArray(answer) && answer.length === unlocks.length + commands.length;
  const outcomeOf = <Value>(command: Command<Value>, index: number): Outcome<Value> => {
    const reply = isWhole ? (answer[index] as { result?: unknown; error?: unknown } | null) : undefined;
    if (reply?.error !== undefined && reply.error !== null)
      return { failure: replyReason(reply.error) ?? 'error reply' };
    const value = command.read(reply?.result);
    return value === undefined ? { failure: 'an answer of unknown form' } : { value };
  };
  const lasting = unlocks.map(outcomeOf).find(({ failure }) => failure !== undefined);
  // What was written while its lock may still be there can be overwritten by what is older.
  return commands.map((command, index) => {
    const outcome = outcomeOf(command, unlocks.length + index);
    return lasting?.failure !== undefined && command.unlocks ? { failure: lasting.failure } : outcome;
  });
}
