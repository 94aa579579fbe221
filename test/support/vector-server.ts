import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/**
 * In place of Qdrant and Pinecone, which cannot be installed here: upserts as their clients send
 * them. Like theirs it refuses a vector that is no array of numbers. `GET /taken` tells what came.
 */
export async function startVectorServer(): Promise<{ url: string; stop(): void }> {
  const taken: number[][] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const answer = (status: number, body: object) => {
      response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
    };
    if (request.url === '/taken') return answer(200, taken);
    // The index of Pinecone, which lies on the same server; the version of Qdrant.
    if (request.url === '/indexes/docs') return answer(200, { name: 'docs', host: `http://${request.headers.host}` });
    if (request.method === 'GET') return answer(200, { title: 'vectors', version: '1.19.0' });
    const { points, vectors } = JSON.parse(Buffer.concat(chunks).toString());
    const sent: unknown[] = points?.map((point: { vector: unknown }) => point.vector) ?? vectors?.map(valuesOf);
    if (!sent.every(isVector))
      return answer(400, { status: { error: 'a vector must be an array' }, message: 'values' });
    taken.push(...(sent as number[][]));
    return answer(200, { result: { status: 'acknowledged' }, status: 'ok', time: 0, upsertedCount: sent.length });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, stop: () => server.close().closeAllConnections() };
}

const valuesOf = ({ values }: { values: unknown }) => values;
const isVector = (vector: unknown) => Array.isArray(vector) && vector.every((value) => typeof value === 'number');
