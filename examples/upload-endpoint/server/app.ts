import Fastify, { type FastifyInstance } from 'fastify';
import type { Dashboard } from 'vecstash/dashboard';
import type { Metrics } from 'vecstash/observability';
import type { Hello } from '../wire.js';
import { discardRest } from './discard.js';
import { imagesRoute } from './images-route.js';
import type { Live } from './live.js';
import { liveRoute } from './live-route.js';
import { pageRoute } from './page-route.js';
import { closeQuickly } from './quick-close.js';
import { answerTo, Refusal } from './refusal.js';
import { resetRoute } from './reset-route.js';
import { samplesRoute } from './samples-route.js';
import { textsRoute } from './texts-route.js';
import type { Desk } from './uploads.js';

/** How long a client may take to send a request, in milliseconds. */
const REQUEST_TIMEOUT = 60_000;

export interface Parts {
  desk: Desk;
  live: Live;
  metrics: Metrics;
  dashboard: Dashboard;
  about: Omit<Hello, 'points'>;
  sampleTexts: readonly string[];
}

/** The server, which does not listen yet. */
export async function createApp({
  desk,
  live,
  metrics,
  dashboard,
  about,
  sampleTexts,
}: Parts): Promise<FastifyInstance> {
  const app = Fastify({ requestTimeout: REQUEST_TIMEOUT });
  closeQuickly(app);
  app.setErrorHandler((error, request, reply) => {
    const { status, body } = answerTo(error);
    if (request.method === 'POST') desk.uploads.enterError(status);
    discardRest(request, reply);
    return reply.status(status).send(body);
  });
  app.setNotFoundHandler(() => {
    throw new Refusal(404, 'not_found', 'there is nothing here');
  });
  app.get('/api/metrics', async (_request, reply) => reply.type(metrics.contentType).send(await metrics.text()));
  app.all('/dashboard', (request) => dashboard.fetch(request));
  app.get('/api/health', async () => ({ ok: true, isStoreUp: await live.isStoreUp(), ...about }));
  // Each in a scope of its own: they take different content types.
  app.register(async (scope) => textsRoute(scope, desk));
  app.register(async (scope) => imagesRoute(scope, desk));
  samplesRoute(app, sampleTexts);
  resetRoute(app, live);
  liveRoute(app, live, about);
  await pageRoute(app);
  return app;
}
