import type { RequestListener } from 'node:http';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createDashboard, type Dashboard } from '../../src/dashboard/dashboard.js';
import { dashboardCache, served } from '../support/dashboard.js';

const GUARD = { 'x-vecstash-dashboard': '1' };

/** Runs with a dashboard that may act, on a cache that has missed once. */
async function withDashboard(run: (dashboard: Dashboard) => Promise<void>): Promise<void> {
  const { cache, embed } = dashboardCache();
  await embed('a');
  const dashboard = createDashboard(cache, { actions: true });
  try {
    await run(dashboard);
  } finally {
    dashboard.stop();
    await cache.close();
  }
}

/** Follows the page's own links, as a browser resolves them, and acts. */
async function checkMounted(
  page: string,
  fetch: (url: string, init?: RequestInit) => Promise<Response>,
): Promise<void> {
  const answer = await fetch(page);
  assert.is(answer.status, 200, page);
  assert.match(answer.headers.get('content-security-policy') ?? '', "default-src 'none'");
  const html = await answer.text();
  const links = [...html.matchAll(/(?:src|href)="(\?asset=[\w.-]+)"/g)].map(([, link]) => link as string);
  assert.ok(links.length >= 3);
  for (const link of links) assert.is((await fetch(new URL(link, page).href)).status, 200, link);
  const misses = async () => {
    const { namespaces } = (await (await fetch(new URL('?data', page).href)).json()) as {
      namespaces: { misses: number }[];
    };
    return namespaces[0]?.misses;
  };
  assert.is(await misses(), 1);
  const reset = await fetch(new URL('?action=reset', page).href, { method: 'POST', headers: GUARD });
  assert.is(reset.status, 200);
  assert.is(await misses(), 0);
}

const overHttp = (url: string, init?: RequestInit) => fetch(url, init);

test('Express: by use and by all, with and without a slash; what lies below is for the application', async () => {
  for (const path of ['/admin/cache', '/admin/cache/']) {
    await withDashboard(async (dashboard) => {
      const app = express();
      app.use(express.json());
      app.use('/admin/cache', dashboard.handler);
      app.get('/admin/cache/below', (_request, response) => void response.send('mine'));
      await served(app, async (origin) => {
        await checkMounted(origin + path, overHttp);
        assert.is(await (await fetch(`${origin}/admin/cache/below`)).text(), 'mine');
      });
    });
  }
  await withDashboard(async (dashboard) => {
    const app = express();
    app.all('/cache', dashboard.handler);
    await served(app, (origin) => checkMounted(`${origin}/cache`, overHttp));
  });
});

test('Express: authentication comes before it', async () => {
  await withDashboard(async (dashboard) => {
    const app = express();
    app.use(
      '/cache',
      (request, response, next) => {
        if (request.headers.authorization === 'Bearer right') next();
        else response.status(401).end();
      },
      dashboard.handler,
    );
    await served(app, async (origin) => {
      for (const query of ['', '?data', '?asset=a.js']) {
        assert.is((await fetch(`${origin}/cache${query}`)).status, 401);
      }
      assert.is((await fetch(`${origin}/cache`, { headers: { authorization: 'Bearer right' } })).status, 200);
    });
  });
});

test('Fastify: its request as it is; its hooks run', async () => {
  await withDashboard(async (dashboard) => {
    const app = Fastify();
    app.addHook('onSend', async (_request, reply) => void reply.header('x-mine', 'yes'));
    app.all('/ops/cache', (request) => dashboard.fetch(request));
    const origin = await app.listen({ port: 0, host: '127.0.0.1' });
    try {
      await checkMounted(`${origin}/ops/cache`, overHttp);
      assert.is((await fetch(`${origin}/ops/cache`)).headers.get('x-mine'), 'yes');
    } finally {
      await app.close();
    }
  });
});

test('Hono: as a route, and mounted', async () => {
  await withDashboard(async (dashboard) => {
    const app = new Hono();
    app.all('/cache', (c) => dashboard.fetch(c.req.raw));
    await checkMounted('http://app.example/cache', async (url, init) => app.request(url, init));
  });
  for (const path of ['/deep/cache', '/deep/cache/']) {
    await withDashboard(async (dashboard) => {
      const app = new Hono();
      app.mount('/deep/cache', dashboard.fetch);
      await checkMounted(`http://app.example${path}`, async (url, init) => app.request(url, init));
    });
  }
});

test('node:http alone', async () => {
  await withDashboard((dashboard) =>
    served(dashboard.handler as RequestListener, (origin) => checkMounted(`${origin}/any`, overHttp)),
  );
});

test.run();
