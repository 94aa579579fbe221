import type { Cluster, Redis } from 'ioredis';
import loadIoredis from '#optional/ioredis';
import { backoffDelay } from '../../async/backoff.js';
import { BackendError } from '../../errors.js';
import { packageProblem } from '../../packages.js';
import { clearInterval, setInterval, sleep } from '../../runtime.js';
import { redisReason } from './error.js';
import { Link, MAX_SILENCE } from './link.js';
import { ReadConnection } from './single/read-connection.js';
import { restoreFastStrings } from './v8-string-workaround.js';

/** Between attempts to connect. */
const RETRY = { baseMs: 50, maxMs: 600, jitter: 1 / 3 };

/** How long the first calls wait for the user's client to be connected, in milliseconds. */
const FIRST_WAIT = 1000;

/**
 * How often who waits for the first connection is told that it is still being made, in
 * milliseconds.
 */
const CONNECTING = 20;

/**
 * The client that a backend uses: its own, which fails fast while the server is away, or the
 * user's, left as it is.
 */
export class RedisConnection {
  readonly #client: Redis | Cluster;
  /** An own client's first attempt to connect; it never rejects. */
  readonly #attempt: Promise<unknown> | undefined;
  /** The first connection of the user's client, or the end of the time that it is waited for. */
  #first: Promise<unknown> | undefined;
  #lastError: unknown;

  private constructor(client: Redis | Cluster, connectTimeout?: number) {
    this.#client = client;
    restoreFastStrings();
    if (!client.isCluster) Link.of(client as Redis);
    if (connectTimeout === undefined) {
      if (this.#isReady) this.#first = Promise.resolve();
      return;
    }
    client.on('error', (error: unknown) => {
      this.#lastError = error;
    });
    // Whatever comes of it: ioredis goes on trying by itself. A server that accepts and then says
    // nothing is not waited for longer than one that does not accept.
    const attempt = client.connect().catch(() => {});
    this.#attempt = Promise.race([attempt, sleep(connectTimeout, { ref: false })]);
  }

  /** Uses the user's client and never closes it. */
  static borrow(client: Redis | Cluster): RedisConnection {
    return new RedisConnection(client);
  }

  /**
   * Makes a client and begins to connect. Times are in milliseconds. Throws `BackendError` where
   * ioredis is not installed.
   */
  static open(url: string, connectTimeout: number, commandTimeout: number): RedisConnection {
    const { Redis } = openIoredis();
    const client = new Redis(url, {
      lazyConnect: true,
      connectTimeout,
      commandTimeout,
      // A connection that nobody ends (a pulled cable, a frozen server) is given up and made anew.
      socketTimeout: MAX_SILENCE,
      // Fail now instead of later: no command waits for a server that is away, and none is sent a
      // second time.
      enableOfflineQueue: false,
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      // Without its ready check ioredis 5 takes a connection for ready before it knows that the
      // password was refused, and one that was lost meanwhile for ready for ever. The check needs
      // the right to INFO.
      enableReadyCheck: true,
      maxLoadingRetryTime: RETRY.maxMs,
      disableClientInfo: true,
      retryStrategy: (failures) => backoffDelay(failures - 1, RETRY),
    });
    return new RedisConnection(client, connectTimeout);
  }

  get client(): Redis | Cluster {
    return this.#client;
  }

  /** A connection for reads beside an own client, where that can have one. */
  openReads(): ReadConnection | undefined {
    if (this.#attempt === undefined) return undefined;
    const client = this.#client as Redis;
    return ReadConnection.suits(client) ? new ReadConnection(client, MAX_SILENCE) : undefined;
  }

  /**
   * Rejects with `BackendError` while the client has no connection; the first attempt is waited
   * for. The user's client is not fed then either: what it queues grows without bound, and is sent
   * when it may undo what happened since.
   */
  async ready(onProgress?: () => void): Promise<void> {
    if (this.#isReady) return;
    const first = this.#attempt ?? this.#firstOf();
    await (onProgress ? toldOf(first, onProgress) : first);
    if (this.#isReady) return;
    const reason = this.#lastError === undefined ? '' : ` (${redisReason(this.#lastError)})`;
    throw new BackendError(`Redis: not connected${reason}`);
  }

  get #isReady(): boolean {
    const client = this.#client;
    return client.isCluster ? client.status === 'ready' : Link.of(client as Redis).isReady;
  }

  #firstOf(): Promise<unknown> {
    const client = this.#client;
    if (client.status === 'end') return Promise.resolve();
    if (client.status === 'wait') client.connect().catch(() => {});
    this.#first ??= Promise.race([
      new Promise<void>((resolve) => {
        for (const event of ['ready', 'end']) client.once(event, () => resolve());
      }),
      sleep(FIRST_WAIT, { ref: false }),
    ]);
    return this.#first;
  }

  /** Ends an own client's connection, or its attempts to have one. */
  async close(): Promise<void> {
    await this.#attempt;
    if (this.#attempt) this.#client.disconnect();
  }
}

/**
 * Loads ioredis at once: it takes more than 100 ms, and where that is put off it makes the first
 * read miss its deadline.
 */
function openIoredis(): typeof import('ioredis') {
  try {
    return loadIoredis() as typeof import('ioredis');
  } catch (error) {
    throw new BackendError(packageProblem('Redis', 'ioredis', error), { cause: error });
  }
}

/** Waits for `work`, and calls `onProgress` again and again meanwhile. */
async function toldOf(work: Promise<unknown>, onProgress: () => void): Promise<void> {
  const timer = setInterval(onProgress, CONNECTING);
  try {
    await work;
    onProgress();
  } finally {
    clearInterval(timer);
  }
}
