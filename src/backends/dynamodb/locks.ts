import type { BackendEntry } from '../backend.js';
import type { LockStore } from '../shell/locks.js';
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
 * Locks as attributes of the records' items: a conditional write for each key, and a second one
 * where it has a record. Ends are measured by the wall clock of whoever asks. Keys that were
 * refused are read once more, since who asks may have them for longer already.
 */
export class DynamoDBLocks implements LockStore {
  readonly #connection: DynamoDBConnection;
  readonly #batches: DynamoDBBatches;

  constructor(connection: DynamoDBConnection, batches: DynamoDBBatches) {
    this.#connection = connection;
    this.#batches = batches;
  }

  async acquire(keys: readonly string[], holder: string, ttlMs: number, force: boolean): Promise<boolean[]> {
    const lock = this.#update((key) => locking(key, holder, ttlMs, force));
    const hasRecord = await this.#refused(keys, lock);
    const lockRecord = this.#update((key) => lockingRecord(key, holder, ttlMs, force));
    return this.#answers(keys, await this.#refused(hasRecord, lockRecord), holder);
  }

  async renew(keys: readonly string[], holder: string, ttlMs: number): Promise<boolean[]> {
    const renew = this.#update((key) => renewing(key, holder, ttlMs));
    const hasRecord = await this.#refused(keys, renew);
    const renewBesideRecord = this.#update((key) => renewingBesideRecord(key, holder, ttlMs));
    return this.#answers(keys, await this.#refused(hasRecord, renewBesideRecord), holder);
  }

  async setMany(entries: readonly BackendEntry[], holder: string): Promise<boolean[]> {
    const { client, sdk, table } = this.#connection;
    const puts = entries.map((entry) => ({ TableName: table, ...storing(entry, holder) }));
    const send: Send<(typeof puts)[0]> = (put, options) => client.send(new sdk.PutItemCommand(put), options);
    const refused = new Set(await this.#refused(puts, send));
    return puts.map((put) => !refused.has(put));
  }

  async release(keys: readonly string[], holder: string): Promise<void> {
    const { client, sdk, table } = this.#connection;
    const remove: Send<string> = (key, options) =>
      client.send(new sdk.DeleteItemCommand({ TableName: table, ...unlocking(key, holder) }), options);
    const hasRecord = await this.#refused(keys, remove);
    const unlockRecord = this.#update((key) => unlockingRecord(key, holder));
    await this.#refused(hasRecord, unlockRecord);
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
