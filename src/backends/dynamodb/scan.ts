import type { DynamoDBConnection } from './connection.js';
import { COUNTED, type Item, KEY, keyOf, storedKey } from './items.js';

/**
 * The keys that start with `prefix`, with what is needed to count them: a page for each megabyte of
 * the table, most of which may be empty. Throws the SDK's errors.
 */
export async function* scanPages(connection: DynamoDBConnection, prefix: string): AsyncGenerator<Map<string, Item>> {
  const { client, sdk, table } = connection;
  let next: Item | undefined;
  do {
    const command = new sdk.ScanCommand({
      TableName: table,
      // What was written before the call must go.
      ConsistentRead: true,
      FilterExpression: `begins_with(${KEY}, :prefix)`,
      ExpressionAttributeValues: { ':prefix': { S: storedKey(prefix) } },
      ProjectionExpression: COUNTED,
      ...(next && { ExclusiveStartKey: next }),
    });
    const page = await connection.inTime((abortSignal) => client.send(command, { abortSignal }));
    const items = new Map<string, Item>();
    for (const item of page.Items ?? []) {
      const key = keyOf(item);
      // A filter that a server ignored must not empty its table.
      if (key?.startsWith(prefix)) items.set(key, item);
    }
    yield items;
    next = page.LastEvaluatedKey;
  } while (next);
}
