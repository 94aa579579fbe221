/** What the DynamoDB tests run in another process: `dynamodb-process.ts ENDPOINT TABLE COUNT` writes `key N` with `bytesFor(N)`. */
import { DynamoDBBackend } from '../../src/backends/dynamodb/dynamodb.js';
import { REGION } from './dynamodb.js';
import { bytesFor } from './dynamodb-bytes.js';

const [endpoint, table, count] = process.argv.slice(2) as [string, string, string];
const backend = new DynamoDBBackend({ endpoint, table, region: REGION });
await backend.setMany(Array.from({ length: Number(count) }, (_, n) => ({ key: `key ${n}`, value: bytesFor(n) })));
await backend.close();
