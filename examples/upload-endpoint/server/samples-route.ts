import type { FastifyInstance } from 'fastify';
import { LIMITS } from './limits.js';

/** How many texts one click takes. */
const SAMPLE = 20;

/** GET /api/samples/texts?page=0: texts to try it with. */
export function samplesRoute(app: FastifyInstance, texts: readonly string[]): void {
  // A few of the passages are longer than what is taken.
  const short = texts.filter((text) => Buffer.byteLength(text) <= LIMITS.textBytes);
  app.get<{ Querystring: { page?: string } }>('/api/samples/texts', async ({ query }) => {
    const pages = Math.floor(short.length / SAMPLE);
    const page = Math.max(0, Math.trunc(Number(query.page)) || 0) % pages;
    return { texts: short.slice(page * SAMPLE, (page + 1) * SAMPLE) };
  });
}
