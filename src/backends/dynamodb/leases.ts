import type { BackendLeases } from '../backend.js';
import type { DynamoDBBatches } from './batches.js';
import type { DynamoDBConnection } from './connection.js';
import { failureError } from './error.js';
import { givingBack, isHeldBy, LEASE, taking } from './items.js';

/**
 * Leases as items, a conditional write for each name. Ends are measured by the wall clock of
 * whoever asks: DynamoDB deletes what has ended days later. Names that were refused are read once
 * more, since who asks may have them for longer already.
 */
export class DynamoDBLeases implements BackendLeases {
  readonly #connection: DynamoDBConnection;
  readonly #batches: DynamoDBBatches;

  constructor(connection: DynamoDBConnection, batches: DynamoDBBatches) {
    this.#connection = connection;
    this.#batches = batches;
  }

  async acquire(names: readonly string[], holder: string, ttlMs: number): Promise<boolean[]> {
    const { client, sdk, table } = this.#connection;
    const refused = new Set<string>();
    const take = (name: string, options: { abortSignal: AbortSignal }) =>
      client.send(new sdk.PutItemCommand({ TableName: table, ...taking(name, holder, ttlMs) }), options);
    const failure =
      (await this.#batches.each(names, take, (name) => refused.add(name))) ??
      (await this.#batches.read([...refused], { isConsistent: true, attributes: LEASE }, (name, item) => {
        if (isHeldBy(item, holder)) refused.delete(name);
      }));
    if (failure) throw failureError('leases', failure, names.length);
    return names.map((name) => !refused.has(name));
  }

  async release(names: readonly string[], holder: string): Promise<void> {
    const { client, sdk, table } = this.#connection;
    const failure = await this.#batches.each(names, (name, options) =>
      client.send(new sdk.DeleteItemCommand({ TableName: table, ...givingBack(name, holder) }), options),
    );
    if (failure) throw failureError('leases', failure, names.length);
  }
}
