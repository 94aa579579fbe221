import type { Cluster, Redis } from 'ioredis';
import { Backoff } from '../../async/backoff.js';
import { clearTimeout, setTimeout } from '../../runtime.js';
import type { BusListener, BusSubscription, InvalidationBus } from '../bus.js';
import { masterNameOf, mastersByName, slotOf } from './cluster/slots.js';
import type { RedisConnection } from './connection.js';
import { redisError } from './error.js';

/** Between attempts to subscribe. */
const RETRY = { baseMs: 50, maxMs: 1000, jitter: 1 / 3 };

/**
 * Pub/sub of Redis: one connection more, for the subscription; messages are sent on the backend's
 * own.
 */
export class RedisBus implements InvalidationBus {
  readonly #connection: RedisConnection;
  readonly #channel: string;

  constructor(connection: RedisConnection, channel: string) {
    this.#connection = connection;
    this.#channel = channel;
  }

  async publish(text: string): Promise<number | undefined> {
    await this.#connection.ready();
    try {
      const node = this.#node();
      // Of a cluster a node counts only the subscriptions that it serves itself.
      const receivers = await node.publish(this.#channel, text);
      return this.#connection.client.isCluster ? undefined : receivers;
    } catch (error) {
      throw redisError(error);
    }
  }

  subscribe(listener: BusListener): BusSubscription {
    let isClosed = false;
    let connection: Redis | undefined;
    let timer: NodeJS.Timeout | undefined;
    const backoff = new Backoff(RETRY);
    let giveUp = () => {};
    const open = () => {
      if (isClosed) return;
      let isOver = false;
      const over = () => {
        if (isOver) return;
        isOver = true;
        disconnect(connection);
        listener.lost();
        if (isClosed) return;
        timer = setTimeout(open, backoff.next());
        timer.unref();
      };
      giveUp = over;
      try {
        connection = this.#subscriber();
      } catch {
        over();
        return;
      }
      connection.on('error', () => {});
      connection.on('close', over);
      connection.on('end', over);
      connection.on('message', (_channel, text) => listener.message(text));
      connection.subscribe(this.#channel).then(() => {
        if (isOver) return;
        backoff.reset();
        listener.ready();
      }, over);
    };
    open();
    return {
      renew: () => giveUp(),
      close: async () => {
        isClosed = true;
        clearTimeout(timer);
        disconnect(connection);
      },
    };
  }

  /** A connection that is made once, and never again by itself: each loss must be known. */
  #subscriber(): Redis {
    return this.#node().duplicate({
      lazyConnect: false,
      keyPrefix: '',
      retryStrategy: () => null,
      autoResubscribe: false,
      enableOfflineQueue: true,
      maxRetriesPerRequest: 0,
      connectTimeout: 2000,
      commandTimeout: 2000,
      socketTimeout: undefined,
      disableClientInfo: true,
    } as Parameters<Redis['duplicate']>[0]);
  }

  /**
   * Of a cluster always the same node, so that messages keep their order and are counted where they
   * are heard.
   */
  #node(): Redis {
    const { client } = this.#connection;
    if (!client.isCluster) return client as Redis;
    const cluster = client as Cluster;
    const name = masterNameOf(cluster, slotOf(this.#channel));
    const node = name === undefined ? undefined : mastersByName(cluster).get(name);
    if (node === undefined) throw new Error('the node of the channel is not connected');
    return node;
  }
}

/**
 * Where the socket is closed already ioredis would wait two seconds for it, and keep the process
 * alive for as long.
 */
function disconnect(connection: Redis | undefined): void {
  if (connection?.status !== 'close' && connection?.status !== 'end') connection?.disconnect();
}
