import { setTimeout as delay } from 'node:timers/promises';
import type { Cluster, Redis } from 'ioredis';
import requireOptional from '#require';
import { BackendError } from '../../errors.js';
import { redisReason } from './error.js';
import { ReadConnection } from './reads.js';
import { mendStrings } from './strings.js';

/** The longest pause between two attempts to connect, in milliseconds, of which up to a third is chance. */
const LONGEST_PAUSE = 600;

/** How long an answer may bring no byte at all before the connection is given up, in milliseconds. */
const LONGEST_SILENCE = 2000;

/** The client that a backend uses: its own, which fails fast while the server is away, or the user's, left as it is. */
export class RedisConnection {
  readonly #client: Redis | Cluster;
  /** An own client's first attempt to connect; it never rejects. */
  readonly #attempt: Promise<unknown> | undefined;
  #lastError: unknown;

  private constructor(client: Redis | Cluster, connectTimeout?: number) {
    this.#client = client;
    mendStrings();
    if (connectTimeout === undefined) return;
    client.on('error', (error: unknown) => {
      this.#lastError = error;
    });
    // Whatever comes of it: ioredis goes on trying by itself. A server that accepts and then says nothing is not waited for
    // longer than one that does not accept.
    const attempt = client.connect().catch(() => {});
    this.#attempt = Promise.race([attempt, delay(connectTimeout, undefined, { ref: false })]);
  }

  /** Uses the user's client and never closes it. */
  static borrow(client: Redis | Cluster): RedisConnection {
    return new RedisConnection(client);
  }

  /** Makes a client and begins to connect. Times are in milliseconds. Throws `BackendError` where ioredis is not installed. */
  static open(url: string, connectTimeout: number, commandTimeout: number): RedisConnection {
    const { Redis } = loadIoredis();
    const client = new Redis(url, {
      lazyConnect: true,
      connectTimeout,
      commandTimeout,
      // A connection that nobody ends (a pulled cable, a frozen server) is given up and made anew.
      socketTimeout: LONGEST_SILENCE,
      // Fail now instead of later: no command waits for a server that is away, and none is sent a second time.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      // Without its ready check ioredis 5 takes a connection for ready before it knows that the password was refused, and one
      // that was lost meanwhile for ready for ever. The check needs the right to INFO.
      enableReadyCheck: true,
      maxLoadingRetryTime: LONGEST_PAUSE,
      disableClientInfo: true,
      retryStrategy: (attempt) => Math.min(LONGEST_PAUSE, 25 * 2 ** attempt) * (1 - Math.random() / 3),
    });
    return new RedisConnection(client, connectTimeout);
  }

  get client(): Redis | Cluster {
    return this.#client;
  }

  /** A connection for reads beside an own client, where it is one that can be had. */
  openReads(): ReadConnection | undefined {
    const client = this.#client as Redis;
    return ReadConnection.suits(client) ? new ReadConnection(client, LONGEST_SILENCE) : undefined;
  }

  /** Rejects with `BackendError` while an own client has no connection; the first attempt is waited for. */
  async ready(): Promise<void> {
    if (this.#attempt === undefined) return;
    await this.#attempt;
    if (this.#client.status === 'ready') return;
    const reason = this.#lastError === undefined ? '' : ` (${redisReason(this.#lastError)})`;
    throw new BackendError(`Redis: not connected${reason}`);
  }

  /** Ends an own client's connection, or its attempts to have one. */
  async close(): Promise<void> {
    await this.#attempt;
    if (this.#attempt) this.#client.disconnect();
  }
}

/**
 * Loads ioredis at once: it takes more than 100 ms, and where that is put off it makes the first read miss its deadline.
 */
function loadIoredis(): typeof import('ioredis') {
  try {
    return requireOptional('ioredis') as typeof import('ioredis');
  } catch {
    throw new BackendError('Redis needs the package ioredis: npm install ioredis');
  }
}
