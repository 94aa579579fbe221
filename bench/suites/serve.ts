import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { Agent, request } from 'node:http';
import { createInterface } from 'node:readline';
import { startEmbeddingApi } from '../../test/support/embedding-api.js';
import { startServe } from '../../test/support/serve-process.js';
import { interleave } from '../interleave.js';
import type { Suite } from '../suite.js';

const INPUTS = 100;

/** A server that reads what is sent and answers the same bytes each time: what HTTP alone costs. */
const ECHO = `
  let answer = Buffer.alloc(0);
  require('node:http').createServer((request, response) => {
    const chunks = [];
    request.on('data', (chunk) => chunks.push(chunk)).on('end', () => {
      if (request.url === '/keep') answer = Buffer.concat(chunks);
      response.writeHead(200, { 'content-type': 'application/json', 'content-length': answer.length });
      response.end(answer);
    });
  }).listen(0, '127.0.0.1', function () { console.log(this.address().port); });
`;

/** `vecstash serve`, warm and over memory, against a bare HTTP server that answers the same bytes. */
export const serve: Suite = async ({ short }) => {
  const api = await startEmbeddingApi();
  const server = await startServe(api.url);
  const echo = spawn(process.execPath, ['-e', ECHO], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [port] = (await once(createInterface({ input: echo.stdout }), 'line')) as [string];
  const agent = new Agent({ keepAlive: true });
  const post = async (url: string, body: string | Buffer): Promise<Buffer> => {
    const sent = request(url, { method: 'POST', agent, headers: { 'content-type': 'application/json' } }).end(body);
    const [response] = await once(sent, 'response');
    const chunks: Buffer[] = [];
    for await (const chunk of response) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks);
  };
  const ratios: Record<string, number> = {};
  const measurements = [];
  try {
    for (const format of ['base64', 'float']) {
      const input = Array.from({ length: INPUTS }, (_, i) => `a text of some words, and the number ${i}`);
      const body = JSON.stringify({ model: 'text-embedding-3-small', input, encoding_format: format });
      const ask = () => post(`${server.url}/embeddings`, body);
      await ask();
      const answer = await ask();
      await post(`http://127.0.0.1:${port}/keep`, answer);
      const contenders = [
        { name: `serve, ${format}`, run: ask },
        { name: `bare HTTP, ${format}`, run: () => post(`http://127.0.0.1:${port}/`, body) },
      ];
      const found = await interleave(contenders, short ? 60 : 400, short ? 100 : 400);
      measurements.push(...found.measurements);
      const [own, bare] = found.measurements;
      ratios[`${INPUTS} warm inputs as ${format}: bare HTTP / serve, of medians`] = (bare?.p50 ?? 0) / (own?.p50 ?? 1);
      console.log(
        `${format}: ${answer.length} bytes; serve takes ${((own?.p50 ?? 0) / (bare?.p50 ?? 1)).toFixed(2)} times as long`,
      );
    }
    return {
      suite: 'serve',
      about: `a warm request of ${INPUTS} inputs of 1536 dimensions, over loopback`,
      measurements,
      ratios,
    };
  } finally {
    agent.destroy();
    echo.kill();
    await server.stop();
    api.stop();
  }
};
