import type { FastifyInstance } from 'fastify';
import type { Live } from './live.js';
import { Refusal } from './refusal.js';

/** POST /api/reset: empties the cache and begins the figures anew. */
export function resetRoute(app: FastifyInstance, live: Live): void {
  app.post('/api/reset', async ({ headers }) => {
    // A page of another site cannot send JSON here without asking first, which nobody answers.
    if (headers['content-type'] !== 'application/json') {
      throw new Refusal(415, 'wrong_type', 'expected the content type application/json');
    }
    await live.reset();
    return { ok: true };
  });
}
