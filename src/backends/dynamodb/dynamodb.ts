import * as v from 'valibot';
import { CallTracker } from '../../async/call-tracker.js';
import { VecstashError } from '../../errors.js';
import { checkOptions, ttlSchema } from '../../options.js';
import type { Ttl } from '../../ttl.js';
import type {
  BackendEntry,
  BackendHealth,
  BackendLeases,
  BackendLimits,
  BackendLocks,
  BackendTouch,
  CacheBackend,
  ReadContext,
} from '../backend.js';
import type { Change } from '../change.js';
import { KeyOrder } from '../key-order.js';
import { leasesOver } from '../leases.js';
import { checkKeys, fits, splitByLimits } from '../limits.js';
import { livesOf } from '../lives.js';
import { locksOver } from '../locks.js';
import { DynamoDBBatches } from './batches.js';
import { connectionEntries, DynamoDBConnection, type DynamoDBConnectionOptions } from './connection.js';
import { dynamodbError, failureError } from './error.js';
import { COUNTED, deleteRequest, isLive, LIMITS, prolonging, putRequest, recordOf } from './items.js';
import { DynamoDBLeases } from './leases.js';
import { DynamoDBLocks } from './locks.js';
import { scanPages } from './scan.js';
import { tableProblem } from './table.js';

export type { DynamoDBConnectionOptions } from './connection.js';
export { createDynamoDBTable } from './table.js';

export interface DynamoDBBackendOptions extends DynamoDBConnectionOptions {
  /**
   * The life of entries that bring no own.
   * @default none: they stay for ever
   */
  ttl?: Ttl | undefined;
  /**
   * Whether a read sees every write that was answered before it. Without, reads cost half, and may for a moment return what was
   * overwritten or removed. Removals always read this way.
   * @default true
   */
  consistentRead?: boolean | undefined;
  /**
   * How many requests of one call are under way at once.
   * @default 8
   */
  concurrency?: number | undefined;
}

const optionsSchema = v.strictObject({
  ...connectionEntries,
  ttl: v.optional(ttlSchema),
  consistentRead: v.optional(v.boolean('true or false'), true),
  concurrency: v.optional(
    v.pipe(
      v.number('a number of requests'),
      v.safeInteger('a whole number of requests'),
      v.minValue(1, 'at least 1 request'),
      v.maxValue(50, 'at most 50 requests'),
    ),
    8,
  ),
});

/**
 * Keeps records in a table of Amazon DynamoDB through `@aws-sdk/client-dynamodb` 3, which is loaded when a backend is made. The
 * table's partition key is the whole key, which DynamoDB hashes itself: records spread evenly whatever prefix they share. In return
 * `clear` reads the whole table. `createDynamoDBTable` makes the table.
 *
 * A batch is requests of 100 reads or 25 writes, several at once. Removals count what was there: they read before they remove.
 * Lives are measured by the wall clock and are exact; DynamoDB's own TTL deletes what is expired some days later.
 *
 * Throws `InvalidOptionError` for options it does not take; `BackendError` where the SDK is not installed.
 */
export class DynamoDBBackend implements CacheBackend {
  readonly limits: BackendLimits = LIMITS;
  /** A conditional write for each name. Ends are measured by the wall clock of whoever asks. */
  readonly leases: BackendLeases;
  /** Attributes of the records' items, by a conditional write for each key. Ends are measured by the wall clock of whoever asks. */
  readonly locks: BackendLocks;
  readonly #connection: DynamoDBConnection;
  readonly #batches: DynamoDBBatches;
  readonly #ttl: number | undefined;
  readonly #isConsistent: boolean;
  readonly #calls = new CallTracker('DynamoDBBackend');
  readonly #order = new KeyOrder();

  constructor(options: DynamoDBBackendOptions) {
    const checked = checkOptions(optionsSchema, options, 'DynamoDBBackend options');
    this.#connection = new DynamoDBConnection(checked);
    this.#batches = new DynamoDBBatches(this.#connection, checked.concurrency);
    const leases = new DynamoDBLeases(this.#connection, this.#batches);
    const run = <T>(call: () => Promise<T>) => this.#calls.run(call);
    this.leases = leasesOver(leases, run, LIMITS);
    const locks = new DynamoDBLocks(this.#connection, this.#batches, this.#order, checked.ttl);
    this.locks = locksOver(locks, run, { limits: LIMITS });
    this.#ttl = checked.ttl;
    this.#isConsistent = checked.consistentRead;
  }

  getMany(keys: readonly string[], context?: ReadContext): Promise<(Uint8Array | undefined)[]> {
    return this.#calls.run(async () => {
      const asked = distinct(keys);
      const records = new Map<string, Uint8Array | undefined>();
      const options = { isConsistent: this.#isConsistent, signal: context?.signal };
      const failure = await this.#batches.read(asked, options, (key, item) => {
        records.set(key, recordOf(item));
      });
      if (failure) {
        const error = failureError('reads', failure, asked.length);
        if (!context || failure.count === asked.length) throw error;
        context.onPartialFailure(error);
      }
      return keys.map((key) => records.get(key));
    });
  }

  setMany(entries: readonly BackendEntry[]): Promise<void> {
    return this.#change({ keys: entries.map(({ key }) => key) }, async () => {
      const { fitting, removed, error } = splitByLimits(entries, LIMITS);
      const requests = [...fitting.map((entry) => putRequest(entry, this.#ttl)), ...removed.map(deleteRequest)];
      const failure = await this.#batches.write(requests);
      if (failure) throw failureError('writes', failure, requests.length);
      if (error) throw error;
    });
  }

  /** Reads the records, consistently, to count them: that costs what reading their values costs. */
  deleteMany(keys: readonly string[]): Promise<number> {
    return this.#change({ keys }, async () => {
      const asked = distinct(keys);
      const live = new Set<string>();
      const failure =
        (await this.#batches.read(asked, { isConsistent: true, attributes: COUNTED }, (key, item) => {
          if (isLive(item)) live.add(key);
        })) ??
        // What was not there is removed too: another region's write of it may be on its way here.
        (await this.#batches.write(asked.map(deleteRequest)));
      if (failure) throw failureError('removals', failure, asked.length);
      return live.size;
    });
  }

  /** Reads the whole table, consistently, whatever the prefix: a request and about 256 read units for each megabyte. */
  clear(prefix: string): Promise<number> {
    return this.#change({ prefix }, async () => {
      if (!fits(prefix, LIMITS)) return 0;
      let count = 0;
      try {
        for await (const items of scanPages(this.#connection, prefix)) {
          const failure = await this.#batches.write([...items.keys()].map(deleteRequest));
          if (failure) throw failureError('removals', failure, items.size);
          for (const item of items.values()) if (isLive(item)) count += 1;
        }
      } catch (error) {
        throw error instanceof VecstashError ? error : dynamodbError(error);
      }
      return count;
    });
  }

  /** A request for each key, which costs a write of the whole record. */
  touchMany(entries: readonly BackendTouch[]): Promise<void> {
    return this.#change({ keys: entries.map(({ key }) => key) }, async () => {
      const { client, sdk, table } = this.#connection;
      const lives = [...livesOf(entries, LIMITS)];
      const failure = await this.#batches.each(lives, ([key, life], options) =>
        client.send(new sdk.UpdateItemCommand({ TableName: table, ...prolonging(key, life) }), options),
      );
      if (failure) throw failureError('touches', failure, lives.length);
    });
  }

  /** Asks for the table's description. */
  health(): Promise<BackendHealth> {
    return this.#calls.run(async () => {
      const start = performance.now();
      try {
        const problem = await tableProblem(this.#connection);
        const latencyMs = performance.now() - start;
        return problem === undefined
          ? { ok: true, latencyMs }
          : { ok: false, latencyMs, detail: `DynamoDB: ${problem}` };
      } catch (error) {
        return { ok: false, latencyMs: Number.NaN, detail: dynamodbError(error).message };
      }
    });
  }

  close(): Promise<void> {
    return this.#calls.close(async () => this.#connection.close());
  }

  /** Runs what changes keys, which are checked, after whatever touches the same ones: requests overtake one another. */
  #change<T>(change: Change, work: () => Promise<T>): Promise<T> {
    return this.#calls.run(async () => {
      checkKeys('prefix' in change ? [change.prefix] : change.keys);
      return this.#order.run(change, work);
    });
  }
}

/** The keys to ask for: each once, which DynamoDB insists on, without those that it cannot hold. */
function distinct(keys: readonly string[]): string[] {
  checkKeys(keys);
  return [...new Set(keys)].filter((key) => fits(key, LIMITS));
}
