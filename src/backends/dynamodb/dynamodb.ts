import * as v from 'valibot';
import { checkOptions, ttlSchema } from '../../options.js';
import type { Ttl } from '../../ttl.js';
import type { BackendLeases, BackendLimits, BackendLocks, CacheBackend } from '../backend.js';
import { DefinedBackend } from '../shell/define-backend.js';
import { connectionEntries, DynamoDBConnection, type DynamoDBConnectionOptions } from './connection.js';
import { dynamodbReason } from './error.js';
import { LIMITS } from './items.js';
import { DynamoDBStore } from './store.js';

export type { DynamoDBConnectionOptions } from './connection.js';
export { createDynamoDBTable } from './table.js';

export interface DynamoDBBackendOptions extends DynamoDBConnectionOptions {
  /**
   * The TTL of entries that bring no own.
   * @default none: they stay for ever
   */
  ttl?: Ttl | undefined;
  /**
   * Whether a read sees every write that was answered before it. Without, reads cost half, and may
   * for a moment return what was overwritten or removed. Removals always read this way.
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
 * Keeps records in a table of Amazon DynamoDB through `@aws-sdk/client-dynamodb` 3, which is loaded
 * when a backend is made. The table's partition key is the whole key, which DynamoDB hashes itself:
 * records spread evenly whatever prefix they share. In return `clear` reads the whole table.
 * `createDynamoDBTable` makes the table.
 *
 * A batch is requests of 100 reads or 25 writes, several at once. Removals count what was there:
 * they read before they remove. TTLs are measured by the wall clock and are exact; DynamoDB's own
 * TTL deletes what is expired some days later.
 *
 * Throws `InvalidOptionError` for options it does not take; `BackendError` where the SDK is not
 * installed.
 */
export class DynamoDBBackend extends DefinedBackend {
  declare readonly limits: BackendLimits;
  /** A conditional write for each name. Ends are measured by the wall clock of whoever asks. */
  declare readonly leases: BackendLeases;
  /**
   * Attributes of the records' items, by a conditional write for each key. Ends are measured by the
   * wall clock of whoever asks.
   */
  declare readonly locks: BackendLocks;
  /** A request for each key, which costs a write of the whole record. */
  declare readonly touchMany: NonNullable<CacheBackend['touchMany']>;

  constructor(options: DynamoDBBackendOptions) {
    const checked = checkOptions(optionsSchema, options, 'DynamoDBBackend options');
    super(new DynamoDBStore(new DynamoDBConnection(checked), checked), {
      name: 'DynamoDBBackend',
      storeName: 'DynamoDB',
      limits: LIMITS,
      ttl: checked.ttl,
      reasonOf: dynamodbReason,
    });
  }
}
