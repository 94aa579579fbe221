import type { BackendEntry } from '../backend.js';
import type { KeyOrder } from '../key-order.js';
import type { LockStore } from '../locks.js';
import type { DynamoDBBatches } from './batches.js';
import type { DynamoDBConnection } from './connection.js';
import { type Failure, failureError } from './error.js';
import {
  isLockedBy,
  LOCK,
  locking,
  lockingRecord,
  renewing,
  renewingBesideRecord,
  storing,
  unlocking,
  unlockingRecord,
} from './lock-items.js';

type Options = { abortSignal: AbortSignal };

/** Sends what concerns one item. */
type Send<T> = (item: T, options: Options) => Promise<unknown>;

/**
 * Locks as attributes of the records' items: a conditional write for each key, and a second one where it has a record. Ends are measured
 * by the wall clock of whoever asks. Keys that were refused are read once more, since who asks may have them for longer already.
 */
export class DynamoDBLocks implements LockStore {
  readonly #connection: DynamoDBConnection;
  readonly #batches: DynamoDBBatches;
  readonly #order: KeyOrder;
  readonly #ttl: number | undefined;

  /**
   * @param order that of all changes of the records
   * @param ttl the life of entries that bring no own, in milliseconds
   */
  constructor(connection: DynamoDBConnection, batches: DynamoDBBatches, order: KeyOrder, ttl: number | undefined) {
    this.#connection = connection;
    this.#batches = batches;
    this.#order = order;
    this.#ttl = ttl;
  }

  acquire(keys: readonly string[], holder: string, lifeMs: number, force: boolean): Promise<boolean[]> {
    return this.#order.run({ keys }, async () => {
      const hasRecord = await this.#refused(
        keys,
        this.#update((key) => locking(key, holder, lifeMs, force)),
      );
      const update = this.#update((key) => lockingRecord(key, holder, lifeMs, force));
      return this.#answers(keys, await this.#refused(hasRecord, update), holder);
    });
  }

  renew(keys: readonly string[], holder: string, lifeMs: number): Promise<boolean[]> {
    return this.#order.run({ keys }, async () => {
      const hasRecord = await this.#refused(
        keys,
        this.#update((key) => renewing(key, holder, lifeMs)),
      );
      const update = this.#update((key) => renewingBesideRecord(key, holder, lifeMs));
      return this.#answers(keys, await this.#refused(hasRecord, update), holder);
    });
  }

  async setMany(entries: readonly BackendEntry[], holder: string): Promise<boolean[]> {
    const { client, sdk, table } = this.#connection;
    const puts = entries.map((entry) => ({ TableName: table, ...storing(entry, holder, this.#ttl) }));
    return this.#order.run({ keys: entries.map(({ key }) => key) }, async () => {
      const send: Send<(typeof puts)[0]> = (put, options) => client.send(new sdk.PutItemCommand(put), options);
      const refused = new Set(await this.#refused(puts, send));
      return puts.map((put) => !refused.has(put));
    });
  }

  async release(keys: readonly string[], holder: string): Promise<void> {
    const { client, sdk, table } = this.#connection;
    await this.#order.run({ keys }, async () => {
      const remove: Send<string> = (key, options) =>
        client.send(new sdk.DeleteItemCommand({ TableName: table, ...unlocking(key, holder) }), options);
      const hasRecord = await this.#refused(keys, remove);
      await this.#refused(
        hasRecord,
        this.#update((key) => unlockingRecord(key, holder)),
      );
    });
  }

  #update(updateOf: (key: string) => ReturnType<typeof unlockingRecord>): Send<string> {
    const { client, sdk, table } = this.#connection;
    return (key, options) => client.send(new sdk.UpdateItemCommand({ TableName: table, ...updateOf(key) }), options);
  }

  /** Sends a request for each item, and returns those whose condition did not hold. */
  async #refused<T>(items: readonly T[], send: Send<T>): Promise<T[]> {
    const refused: T[] = [];
    check(await this.#batches.each(items, send, (item) => refused.push(item)), items.length);
    return refused;
  }

  /** Whether the holder has each key, of which some were refused. */
  async #answers(keys: readonly string[], refused: readonly string[], holder: string): Promise<boolean[]> {
    const others = new Set(refused);
    const failure = await this.#batches.read(refused, { isConsistent: true, attributes: LOCK }, (key, item) => {
      if (isLockedBy(item, holder)) others.delete(key);
    });
    check(failure, keys.length);
    return keys.map((key) => !others.has(key));
  }
}

function check(failure: Failure | undefined, total: number): void {
  if (failure) throw failureError('locks', failure, total);
}
