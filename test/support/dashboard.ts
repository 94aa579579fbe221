import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createCache, MemoryBackend } from '../../src/index.js';
import { prf } from './prf.js';

/**
 * A cache with a namespace `documents`, whose model reports 10 tokens for a text, and a backend
 * that can be made to fail.
 */
export function dashboardCache() {
  const backend = new (class extends MemoryBackend {
    isDown = false;
    override getMany(...args: Parameters<MemoryBackend['getMany']>) {
      if (this.isDown) return Promise.reject(new Error('connect ECONNREFUSED'));
      return super.getMany(...args);
    }
    override async health() {
      return this.isDown ? { ok: false, latencyMs: Number.NaN, detail: 'no connection' } : super.health();
    }
  })();
  const cache = createCache({ backend });
  const documents = cache.embeddings('documents', {
    model: 'test',
    dimensions: 64,
    async embed(texts: string[], { usage }) {
      usage(10 * texts.length);
      return texts.map((text) => prf(text, 64));
    },
  });
  const embed = (...texts: string[]) => documents.embed(texts);
  return { backend, cache, embed };
}

/** Serves a handler on a free port for as long as `run` takes. */
export async function served(
  listener: Parameters<typeof createServer>[1],
  run: (origin: string) => Promise<void>,
): Promise<void> {
  const server = createServer(listener as never).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}
