import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { prf } from './prf.js';

/** An HTTP server in place of a paid embeddings API. */
export interface EmbeddingApi {
  url: string;
  /** How many texts it was asked for so far. */
  texts(): number;
  stop(): void;
}

/**
 * Stands in for OpenAI's `POST /embeddings`, which costs money: the vector of a text is made from
 * the text. Answers numbers, or base64 where the request asks for it, as the official client does.
 */
export async function startEmbeddingApi(): Promise<EmbeddingApi> {
  let texts = 0;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { input, dimensions = 1536, encoding_format } = JSON.parse(Buffer.concat(chunks).toString());
    const inputs: string[] = [input].flat();
    texts += inputs.length;
    const data = inputs.map((text, index) => {
      const vector = prf(text, dimensions);
      const base64 = () => Buffer.from(vector.buffer).toString('base64');
      return { object: 'embedding', index, embedding: encoding_format === 'base64' ? base64() : [...vector] };
    });
    const tokens = inputs.length * 8;
    const usage = { prompt_tokens: tokens, total_tokens: tokens };
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ object: 'list', model: 'text-embedding-3-small', data, usage }));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    texts: () => texts,
    stop: () => {
      server.closeAllConnections();
      server.close();
    },
  };
}
