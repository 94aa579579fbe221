import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { SENTENCES } from '../../examples/quickstart/sentences.js';
import type { ErrorAnswer, Hello } from '../../examples/upload-endpoint/wire.js';
import { until } from '../../src/testing/until.js';
import { runNode } from '../support/run-script.js';
import { eventsOf, postTexts, snapshotOf, withEndpoint } from '../support/upload-client.js';

test('live: a hello, then what the cache did; metrics tell the same; the stream ends with the server', async () => {
  let events: AsyncGenerator<[string, unknown]> | undefined;
  await withEndpoint(async (endpoint) => {
    await postTexts(endpoint, SENTENCES.slice(0, 20));
    await postTexts(endpoint, SENTENCES.slice(0, 20));
    await postTexts(endpoint, []);
    events = eventsOf(endpoint.url);
    const [event, hello] = (await events.next()).value as [string, Hello];
    assert.is(event, 'hello');
    assert.is(hello.store, 'SQLite behind memory');
    const snapshot = await snapshotOf(endpoint, ({ hits, uploads }) => hits > 0 && uploads.refused > 0);
    assert.equal([snapshot.hits, snapshot.misses, snapshot.hitRate], [20, 20, 0.5]);
    assert.equal(snapshot.uploads, { answered: 2, refused: 1, failed: 0 });
    assert.equal(snapshot.tiers, { l1: 20, queued: 0, l2: 0, missing: 20 });
    assert.is(snapshot.bytes.raw, 20 * 512 * 4);
    assert.ok(snapshot.bytes.read > 0 && snapshot.bytes.read < snapshot.bytes.raw);
    assert.ok((snapshot.tokensSaved ?? 0) >= 20);
    assert.is(snapshot.moneySaved, null);
    assert.equal(
      snapshot.batches.map(({ kind, count, hits, misses }) => [kind, count, hits, misses]),
      [
        ['texts', 20, 20, 0],
        ['texts', 20, 0, 20],
      ],
    );
    const dashboard = await fetch(`${endpoint.url}/dashboard`);
    assert.match(await dashboard.text(), '<h1 id="title">Cache</h1>');
    const { namespaces } = (await (await fetch(`${endpoint.url}/dashboard?data`)).json()) as {
      namespaces: { name: string; hits: number }[];
    };
    assert.is(namespaces.find(({ name }) => name === 'text-embeddings')?.hits, 20);
    const metrics = await fetch(`${endpoint.url}/api/metrics`);
    assert.match(metrics.headers.get('content-type') ?? '', 'text/plain');
    const exposition = await metrics.text();
    assert.match(exposition, 'cache_requests_total{namespace="text-embeddings",status="hit"} 20');
    assert.match(exposition, 'cache_service_calls_total{method="embedTexts",status="ok"} 2');
    assert.match(exposition, /cache_size_bytes\{namespace="memory"\} [1-9]/);
  });
  // Reads what was on its way; it must come to an end.
  for await (const [event] of events as AsyncGenerator<[string, unknown]>) assert.is(event, 'snapshot');
});

test('live: at most 50 pages look at once, and a place that is left is free again', async () => {
  await withEndpoint(async ({ url }) => {
    const open = Array.from({ length: 50 }, () => new AbortController());
    await Promise.all(open.map(({ signal }) => fetch(`${url}/api/live`, { signal })));
    const refused = await fetch(`${url}/api/live`);
    assert.is(refused.status, 503);
    assert.is(((await refused.json()) as ErrorAnswer).error.code, 'too_many');
    for (const controller of open) controller.abort();
    await until('a place is free', async () => {
      const controller = new AbortController();
      const { status } = await fetch(`${url}/api/live`, { signal: controller.signal });
      controller.abort();
      return status === 200;
    });
  });
});

test('the page and nothing else: its parts, their policy, no way out of the folder', async () => {
  await withEndpoint(async ({ url }) => {
    for (const [path, type] of [
      ['/', 'text/html; charset=utf-8'],
      ['/main.js', 'text/javascript; charset=utf-8'],
      ['/early-theme.js', 'text/javascript; charset=utf-8'],
      ['/style.css', 'text/css; charset=utf-8'],
      ['/icon.svg', 'image/svg+xml'],
    ]) {
      const response = await fetch(url + path);
      assert.equal([response.status, response.headers.get('content-type')], [200, type]);
      assert.match(response.headers.get('content-security-policy') ?? '', "default-src 'none'; script-src 'self'");
    }
    for (const path of ['/main.ts', '/..%2fmain.ts', '/tsconfig.json', '/index.html']) {
      assert.is((await fetch(url + path)).status, 404, path);
    }
  });
});

test('close waits for no connection that nothing was asked over', async () => {
  await withEndpoint(async (endpoint) => {
    const { hostname, port } = new URL(endpoint.url);
    const socket = connect(Number(port), hostname);
    await once(socket, 'connect');
    let isClosed = false;
    void endpoint.close().then(() => {
      isClosed = true;
    });
    await until('it is closed', () => isClosed);
    socket.destroy();
  });
});

const QUIET = { ...process.env, REDIS_URL: '', OPENAI_API_KEY: '', NODE_NO_WARNINGS: '1' };
const MAIN = ['--import', 'tsx', 'examples/upload-endpoint/main.ts'];

test('npm run endpoint: says where it is and what makes the vectors, and ends clean on a signal, with pages looking', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-endpoint-'));
  const child = spawn(process.execPath, [...MAIN, '--port', '0', '--folder', folder], { env: QUIET });
  const exit = once(child, 'exit');
  try {
    let said = '';
    child.stdout.on('data', (data) => {
      said += data;
    });
    await until('it listens', () => said.includes('images:'));
    const url = said.match(/^listening at (http:\/\/127\.0\.0\.1:\d+)$/m)?.[1] as string;
    assert.match(said, 'vectors: SQLite behind memory');
    assert.match(said, 'texts: Universal Sentence Encoder Lite, run here by @energetic-ai');
    const events = eventsOf(url);
    assert.is((await events.next()).value?.[0], 'hello');
    child.kill('SIGTERM');
    assert.equal(await exit, [0, null]);
  } finally {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
});

test('npm run endpoint: what cannot be done is said in one line, with a code that is not 0', async () => {
  for (const [flags, line] of [
    [['--bogus'], /unknown option '--bogus'/],
    [['--port', 'many'], /--port.*whole number/],
    [['--price', 'free'], /--price.*number of dollars/],
    [['--redis', 'nonsense'], /expected a URL/],
  ] as const) {
    const { code, stderr } = await runNode([...MAIN, ...flags], { env: QUIET });
    assert.is(code, 1, flags.join(' '));
    assert.match(stderr, line);
    assert.is(stderr.trim().split('\n').length, 1, stderr);
  }
});

test.run();
