import type { BackendEntry, BackendTouch } from '../backend.js';
import type { RawReadContext, RawStore } from '../shell/raw-store.js';
import { DynamoDBBatches } from './batches.js';
import type { DynamoDBConnection } from './connection.js';
import { failureError } from './error.js';
import { COUNTED, deleteRequest, isLive, prolonging, putRequest, recordOf } from './items.js';
import { DynamoDBLeases } from './leases.js';
import { DynamoDBLocks } from './locks.js';
import { scanPages } from './scan.js';
import { tableProblem } from './table.js';

export interface DynamoDBStoreOptions {
  consistentRead: boolean;
  /** How many requests of one call are under way at once. */
  concurrency: number;
}

/**
 * Records in a table. Batches are cut, bounded in time and sent again here: DynamoDB leaves parts
 * of them unprocessed.
 */
export class DynamoDBStore implements RawStore {
  readonly leases: DynamoDBLeases;
  readonly locks: DynamoDBLocks;
  readonly #connection: DynamoDBConnection;
  readonly #batches: DynamoDBBatches;
  readonly #isConsistent: boolean;

  constructor(connection: DynamoDBConnection, { consistentRead, concurrency }: DynamoDBStoreOptions) {
    this.#connection = connection;
    this.#batches = new DynamoDBBatches(connection, concurrency);
    this.#isConsistent = consistentRead;
    this.leases = new DynamoDBLeases(connection, this.#batches);
    this.locks = new DynamoDBLocks(connection, this.#batches);
  }

  async getMany(keys: readonly string[], context: RawReadContext): Promise<(Uint8Array | undefined)[]> {
    const records = new Map<string, Uint8Array | undefined>();
    const options = { isConsistent: this.#isConsistent, signal: context.signal };
    const failure = await this.#batches.read(keys, options, (key, item) => {
      records.set(key, recordOf(item));
    });
    if (failure) {
      const error = failureError('reads', failure, keys.length);
      if (failure.count === keys.length) throw error;
      context.onPartialFailure(error);
    }
    return keys.map((key) => records.get(key));
  }

  async setMany(entries: readonly BackendEntry[]): Promise<void> {
    const failure = await this.#batches.write(entries.map(putRequest));
    if (failure) throw failureError('writes', failure, entries.length);
  }

  /** Reads the records, consistently, to count them: that costs what reading their values costs. */
  async deleteMany(keys: readonly string[]): Promise<number> {
    const live = new Set<string>();
    const failure =
      (await this.#batches.read(keys, { isConsistent: true, attributes: COUNTED }, (key, item) => {
        if (isLive(item)) live.add(key);
      })) ??
      // What was not there is removed too: another region's write of it may be on its way here.
      (await this.#batches.write(keys.map(deleteRequest)));
    if (failure) throw failureError('removals', failure, keys.length);
    return live.size;
  }

  /**
   * Reads the whole table, consistently, whatever the prefix: a request and about 256 read units
   * for each megabyte.
   */
  async clear(prefix: string): Promise<number> {
    let count = 0;
    for await (const items of scanPages(this.#connection, prefix)) {
      const failure = await this.#batches.write([...items.keys()].map(deleteRequest));
      if (failure) throw failureError('removals', failure, items.size);
      for (const item of items.values()) if (isLive(item)) count += 1;
    }
    return count;
  }

  /** A request for each key, which costs a write of the whole record. */
  async touchMany(touches: readonly BackendTouch[]): Promise<void> {
    const { client, sdk, table } = this.#connection;
    const failure = await this.#batches.each(touches, ({ key, ttlMs }, options) =>
      client.send(new sdk.UpdateItemCommand({ TableName: table, ...prolonging(key, ttlMs) }), options),
    );
    if (failure) throw failureError('touches', failure, touches.length);
  }

  /** Asks for the table's description. */
  async ping(): Promise<string | undefined> {
    const problem = await tableProblem(this.#connection);
    return problem && `DynamoDB: ${problem}`;
  }

  close(): void {
    this.#connection.close();
  }
}
