import type { Cluster, Redis } from 'ioredis';
import { BackendError, PartialFailureError } from '../../errors.js';
import type { RecordSpans } from '../../record-spans.js';
import type { BackendEntry, BackendLeases, BackendTouch } from '../backend.js';
import type { InvalidationBus } from '../bus.js';
import type { LockStore } from '../shell/locks.js';
import type { RawReadContext, RawStore } from '../shell/raw-store.js';
import { abortSignalOf } from '../shell/requests.js';
import { RedisBus } from './bus.js';
import { ClusterCommands } from './cluster/cluster-commands.js';
import type { RedisCommands } from './commands.js';
import type { RedisConnection } from './connection.js';
import { redisReason } from './error.js';
import { RedisLeases } from './locks/leases.js';
import { RedisLocks } from './locks/locks.js';
import { SingleCommands } from './single/single-commands.js';
import { RedisTouches } from './touch.js';

/**
 * The commands of a server or a cluster on a client that is connected: each call waits for the
 * first connection, and rejects while there is none. Also rejects with what ioredis throws.
 */
export class RedisStore implements RawStore {
  readonly bus: InvalidationBus;
  readonly leases: BackendLeases;
  readonly locks: LockStore;
  readonly #connection: RedisConnection;
  readonly #commands: RedisCommands;
  readonly #touches: RedisTouches;

  /** @param channel of the bus */
  constructor(connection: RedisConnection, channel: string) {
    const { client } = connection;
    const commands = client.isCluster
      ? new ClusterCommands(client as Cluster)
      : new SingleCommands(client as Redis, connection.openReads());
    const script: RedisCommands['script'] = async (...args) => {
      await connection.ready();
      return commands.script(...args);
    };
    this.#connection = connection;
    this.#commands = commands;
    this.#touches = new RedisTouches(commands);
    this.bus = new RedisBus(connection, channel);
    this.leases = new RedisLeases(script);
    this.locks = new RedisLocks(script, commands.lockNames);
  }

  async getMany(keys: readonly string[], context: RawReadContext): Promise<(Uint8Array | undefined)[]> {
    return (await this.getRuns([keys], context)).toArray();
  }

  async getRuns(runs: Iterable<readonly string[]>, context: RawReadContext): Promise<RecordSpans> {
    // Reads that have a connection of their own do not wait for the other.
    const { onPart, onProgress } = context;
    if (!this.#commands.canRead) await this.#connection.ready(onProgress);
    const read = { signal: abortSignalOf(context), onPart, onProgress };
    const { records, failures, isPartial } = await this.#commands.getRuns(runs, read);
    if (failures.length > 0) {
      if (!isPartial) throw failures[0];
      context.onPartialFailure(failures[0]);
    }
    return records;
  }

  async setMany(entries: readonly BackendEntry[]): Promise<void> {
    await this.#connection.ready();
    const { failures, isPartial } = await this.#commands.setMany(entries);
    if (failures.length === 0) return;
    const what = `Redis: ${failures.length} of ${entries.length} writes failed: ${redisReason(failures[0])}`;
    throw isPartial ? new PartialFailureError(what) : new BackendError(what);
  }

  async deleteMany(keys: readonly string[]): Promise<number> {
    await this.#connection.ready();
    return this.#commands.unlink(keys);
  }

  async clear(prefix: string): Promise<number> {
    await this.#connection.ready();
    return this.#commands.clear(prefix);
  }

  async touchMany(touches: readonly BackendTouch[]): Promise<void> {
    await this.#connection.ready();
    const failures = await this.#touches.touch(touches);
    if (failures.length > 0) throw failures[0];
  }

  /** Asks the server; of a cluster every master. */
  async ping(): Promise<void> {
    await this.#connection.ready();
    await this.#commands.ping();
  }

  async close(): Promise<void> {
    this.#commands.end();
    await this.#connection.close();
  }
}
