import { DynamoDBBackend } from '../../src/backends/dynamodb/dynamodb.js';
import { backendContract } from '../contract/backend-contract.js';
import { startDynamoDB } from '../support/dynamodb.js';
import { newTable } from '../support/dynamodb-tables.js';

const server = await startDynamoDB();
const table = await newTable(server);
const client = server.client();

backendContract('DynamoDBBackend: dynalite', {
  open: () => new DynamoDBBackend({ table, client }),
  after: async () => {
    client.destroy();
    await server.stop();
  },
});
