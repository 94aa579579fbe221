import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** How many keys a list shows, as S3 does. */
const LIST = 1000;

/**
 * As much of S3's REST API as unstorage's driver uses, for one bucket of any name: PUT, GET and
 * DELETE of an object, and a list that shows the first 1000 keys.
 */
export async function startBucket(): Promise<{ url: string; objects: Map<string, Buffer>; close(): void }> {
  const objects = new Map<string, Buffer>();
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const [, , ...path] = new URL(request.url as string, 'http://x').pathname.split('/');
    const key = decodeURIComponent(path.join('/'));
    if (request.method === 'PUT') objects.set(key, Buffer.concat(chunks));
    if (request.method === 'DELETE') objects.delete(key);
    if (request.method !== 'GET') return response.writeHead(request.method === 'DELETE' ? 204 : 200).end();
    if (key !== '') return response.writeHead(objects.has(key) ? 200 : 404).end(objects.get(key));
    const shown = [...objects.keys()].sort().slice(0, LIST);
    const contents = shown.map((name) => `<Contents><Key>${name}</Key></Contents>`).join('');
    return response.end(
      `<?xml version="1.0"?><ListBucketResult xmlns="x"><Name>bucket</Name>${contents}</ListBucketResult>`,
    );
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, objects, close: () => server.close().closeAllConnections() };
}
