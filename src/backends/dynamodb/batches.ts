import type { WriteRequest } from '@aws-sdk/client-dynamodb';
import { allowListeners } from '../../async/abort.js';
import { Backoff } from '../../async/backoff.js';
import { chunksOf } from '../../async/chunks.js';
import { forEachConcurrently } from '../../async/semaphore.js';
import { sleep } from '../../runtime.js';
import type { DynamoDBConnection } from './connection.js';
import { dynamodbReason, type Failure, NO_ANSWER } from './error.js';
import { type Item, keyAttributes, keyOf, requestKey } from './items.js';

/**
 * What DynamoDB takes in one request. A write needs no bound in bytes: 25 of the largest items are
 * 10 MB, and 16 are allowed.
 */
const READ_KEYS = 100;
const WRITE_ITEMS = 25;

/** Before what was left unprocessed is sent again. */
const RETRY = { baseMs: 50, maxMs: 1000, jitter: 1 };

export interface ReadOptions {
  isConsistent: boolean;
  /** Only these attributes; all where there is none. */
  attributes?: string | undefined;
  signal?: AbortSignal | undefined;
}

/**
 * Cuts batches into requests, sends several at once, and sends again what DynamoDB left
 * unprocessed. Nothing here rejects.
 */
export class DynamoDBBatches {
  readonly #connection: DynamoDBConnection;
  readonly #concurrency: number;

  constructor(connection: DynamoDBConnection, concurrency: number) {
    this.#connection = connection;
    this.#concurrency = concurrency;
  }

  /** Reads distinct keys. Items come in any order. */
  read(
    keys: readonly string[],
    { isConsistent, attributes, signal }: ReadOptions,
    onItem: (key: string, item: Item) => void,
  ): Promise<Failure | undefined> {
    const { client, sdk, table } = this.#connection;
    const ask = async (part: string[], abortSignal: AbortSignal) => {
      const request = {
        Keys: part.map(keyAttributes),
        ConsistentRead: isConsistent,
        ...(attributes !== undefined && { ProjectionExpression: attributes }),
      };
      const command = new sdk.BatchGetItemCommand({ RequestItems: { [table]: request } });
      const { Responses, UnprocessedKeys } = await client.send(command, { abortSignal });
      for (const item of only(Responses) ?? []) {
        const key = keyOf(item);
        if (key !== undefined) onItem(key, item);
      }
      const left = new Set(only(UnprocessedKeys)?.Keys?.map(keyOf));
      return part.filter((key) => left.has(key));
    };
    return this.#inParts(keys, READ_KEYS, ask, signal);
  }

  /** Writes and removes distinct keys. */
  write(requests: readonly WriteRequest[]): Promise<Failure | undefined> {
    const { client, sdk, table } = this.#connection;
    return this.#inParts(requests, WRITE_ITEMS, async (part, abortSignal) => {
      const command = new sdk.BatchWriteItemCommand({ RequestItems: { [table]: part } });
      const { UnprocessedItems } = await client.send(command, { abortSignal });
      const left = new Set(only(UnprocessedItems)?.map(requestKey));
      return part.filter((request) => left.has(requestKey(request)));
    });
  }

  /**
   * Sends a request for each item.
   * @param onRefused is told of each whose condition did not hold, which is no failure
   */
  each<T>(
    items: readonly T[],
    send: (item: T, options: { abortSignal: AbortSignal }) => Promise<unknown>,
    onRefused: (item: T) => void = () => {},
  ): Promise<Failure | undefined> {
    return this.#inParts(items, 1, async (part, abortSignal) => {
      const [item] = part as [T];
      try {
        await send(item, { abortSignal });
      } catch (error) {
        if (dynamodbReason(error) !== 'ConditionalCheckFailedException') throw error;
        onRefused(item);
      }
      return [];
    });
  }

  /**
   * After a part that failed no other is begun, so that a call on a store that does not answer is
   * over after one request's time.
   * @param ask sends a part and returns what of it was left unprocessed
   */
  async #inParts<T>(
    items: readonly T[],
    size: number,
    ask: (part: T[], signal: AbortSignal) => Promise<T[]>,
    signal?: AbortSignal,
  ): Promise<Failure | undefined> {
    // Each part listens to the end of the call. Node warns of more than ten listeners on the
    // caller's own signal.
    const end = new AbortController();
    allowListeners(this.#concurrency, end.signal);
    const giveUp = () => end.abort();
    signal?.addEventListener('abort', giveUp);
    if (signal?.aborted) giveUp();
    let count = 0;
    let reason: string | undefined;
    await forEachConcurrently(chunksOf(items, size), this.#concurrency, async (part) => {
      const failure = reason === undefined ? await this.#part(part, ask, end.signal) : { count: part.length, reason };
      if (!failure) return;
      count += failure.count;
      reason ??= failure.reason;
    });
    signal?.removeEventListener('abort', giveUp);
    return reason === undefined ? undefined : { count, reason };
  }

  /** Asks until nothing is left of a part, within the time of one request. */
  async #part<T>(
    part: T[],
    ask: (part: T[], signal: AbortSignal) => Promise<T[]>,
    outer: AbortSignal,
  ): Promise<Failure | undefined> {
    let left = part;
    try {
      await this.#connection.inTime(async (signal) => {
        const backoff = new Backoff(RETRY);
        for (;;) {
          const rest = await ask(left, signal);
          // Less is left where an answer was full (16 MB), which is no reason to slow down; all of
          // it where the table is throttled.
          if (rest.length < left.length) backoff.reset();
          left = rest;
          if (left.length === 0) return;
          await sleep(backoff.next(), { signal });
        }
      }, outer);
      return undefined;
    } catch (error) {
      const reason = dynamodbReason(error);
      const wasAnswered = left !== part && reason === NO_ANSWER;
      return { count: left.length, reason: wasAnswered ? 'left unprocessed' : reason };
    }
  }
}

/**
 * What an answer says of the one table that was asked, by whichever of its names the answer calls
 * it.
 */
function only<T>(byTable: Record<string, T> | undefined): T | undefined {
  return Object.values(byTable ?? {})[0];
}
