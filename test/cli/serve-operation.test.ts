import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startFaultUpstream } from '../support/fault-upstream.js';
import { freePort } from '../support/redis-server.js';
import { countsOf, startServe } from '../support/serve-process.js';

import { assertVectors, DIMENSIONS, jsonOf, serving } from '../support/serving.js';

const test = suite('vecstash serve in operation');

test('bad input is 400, names the field and quotes nothing; limits hold', async () => {
  await serving({ args: ['--max-body', '10kb', '--max-inputs', '10'] }, async ({ serve, upstream }) => {
    const bad: [unknown, number, string | null][] = [
      ['{"model":"m","input":"SECRET', 400, null],
      ['["SECRET"]', 400, null],
      ['', 400, null],
      [{ model: 'm', input: ['ok', 7] }, 400, 'input[1]'],
      [{ model: 'm', input: [[1], [1.5]] }, 400, 'input[1][0]'],
      [{ model: 7, input: 'SECRET' }, 400, 'model'],
      [{ model: 'm', input: 'SECRET', dimensions: -1 }, 400, 'dimensions'],
      [{ model: 'm' }, 400, 'input'],
      [{ model: 'm', input: Array.from({ length: 11 }, (_, i) => `SECRET ${i}`) }, 400, 'input'],
      [{ model: 'm', input: 'SECRET'.repeat(2000) }, 413, null],
    ];
    for (const [body, status, param] of bad) {
      const response = await serve.embed(body);
      const text = await response.text();
      assert.is(response.status, status, text);
      assert.is(JSON.parse(text).error.param, param);
      assert.not.match(text, /SECRET/);
    }
    let isOver = false;
    const stream = new ReadableStream({
      async pull(controller) {
        await new Promise(setImmediate);
        // fetch may go on reading after the answer.
        if (isOver) controller.close();
        else controller.enqueue(Buffer.alloc(1000, 32));
      },
    });
    const endless = await fetch(`${serve.url}/embeddings`, {
      method: 'POST',
      body: stream,
      duplex: 'half',
    } as RequestInit).then(
      ({ status }) => status,
      () => 413, // The connection was closed while it still sent.
    );
    isOver = true;
    assert.is(endless, 413);
    assert.is(upstream.calls.length, 0);
    await assertVectors(await serve.embed({ model: 'm', input: ['fine'] }), ['fine']);
  });
});

test('a request that takes too long is 504, and one whose caller goes ends its call', async () => {
  await serving({ args: ['--timeout', '300ms'] }, async ({ serve, upstream }) => {
    await serve.embed({ model: 'm', input: ['known'] });
    upstream.options.delay = () => 5000;
    const late = await serve.embed({ model: 'm', input: ['late'] });
    assert.equal([late.status, (await jsonOf(late)).error.code], [504, 'timeout']);
    assert.equal(countsOf(await serve.embed({ model: 'm', input: ['known'] })), [1, 0]);
    upstream.options.delay = () => 0;
    await assertVectors(await serve.embed({ model: 'm', input: ['late'] }), ['late']);
  });
});

test('health, metrics and a log that has neither texts nor keys', async () => {
  await serving({ args: ['--log', 'json'] }, async ({ serve }) => {
    await serve.embed({ model: 'm', input: ['TEXT 1', 'TEXT 2'] }, { key: 'good' });
    await serve.embed({ model: 'm', input: ['TEXT 1'] }, { key: 'WRONGKEY' });
    await fetch(`${serve.url}/models?key=QUERYKEY`);
    const health = await fetch(`${serve.origin}/healthz`);
    assert.is(health.status, 200);
    assert.is((await jsonOf(health)).ok, true);
    const metrics = await (await fetch(`${serve.origin}/metrics`)).text();
    assert.match(metrics, /^serve_requests_total\{route="embeddings",status="200"\} 1$/m);
    assert.match(metrics, /^serve_inputs_total\{status="miss"\} 2$/m);
    assert.match(metrics, /^serve_key_checks_total\{status="refused"\} 1$/m);
    assert.match(metrics, /^cache_requests_total\{namespace="serve",status="hit"\} \d+$/m);
    await serve.stop();
    const lines = serve
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line));
    assert.equal(
      lines.map(({ route, status }) => [route, status]),
      [
        ['embeddings', 200],
        ['embeddings', 401],
        ['models', 401],
        ['healthz', 200],
        ['metrics', 200],
      ],
    );
    assert.equal([lines[0].hits, lines[0].misses], [0, 2]);
    assert.not.match(serve.output() + metrics, /TEXT|good|WRONGKEY|QUERYKEY/);
  });
});

test('a signal ends it when what is under way is answered and stored; entries and their keys outlast it', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-serve-'));
  const args = ['--backend', `sqlite:${join(folder, 'cache.sqlite')}`];
  const upstream = await startFaultUpstream({ dimensions: DIMENSIONS });
  try {
    const first = await startServe(upstream.url, args);
    await first.embed({ model: 'm', input: 'warm' });
    upstream.options.delay = () => 500;
    const calls = upstream.calls.length;
    const answer = first.embed({ model: 'm', input: ['warm', 'under way'] });
    while (upstream.received === calls) await sleep(5);
    const arrived = async () => {
      while (!first.output().includes('ends')) await sleep(5);
      return fetch(`${first.origin}/healthz`).then(
        () => 'answered',
        () => 'refused',
      );
    };
    const ended = first.stop('SIGTERM');
    assert.is(await arrived(), 'refused');
    await assertVectors(await answer, ['warm', 'under way']);
    assert.is(await ended, 0);
    assert.is(upstream.calls.length, calls + 1);

    upstream.options.delay = () => 0;
    const second = await startServe(upstream.url, args);
    assert.equal(countsOf(await second.embed({ model: 'm', input: ['check', 'warm', 'under way'] })), [2, 1]);
    assert.is(await second.stop('SIGINT'), 0);
  } finally {
    await upstream.stop();
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a second signal ends it at once', async () => {
  await serving({ delay: () => 60_000 }, async ({ serve, upstream }) => {
    const waiting = serve.embed({ model: 'm', input: 'never' }).catch(() => 'cut');
    while (upstream.received === 0) await sleep(5);
    const ended = serve.stop('SIGTERM');
    while (!serve.output().includes('ends')) await sleep(5);
    serve.child.kill('SIGTERM');
    assert.equal([await ended, await waiting], [1, 'cut']);
  });
});

test('without prom-client it serves, says what to install, and /metrics is 501', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-serve-'));
  const hide = join(folder, 'hide.cjs');
  writeFileSync(
    hide,
    `const { Module } = require('node:module');
     const load = Module._load;
     Module._load = (name, ...rest) => {
       if (name === 'prom-client') throw Object.assign(new Error("Cannot find module 'prom-client'"), { code: 'MODULE_NOT_FOUND' });
       return load(name, ...rest);
     };`,
  );
  try {
    await serving({ env: { NODE_OPTIONS: `--require ${hide}` } }, async ({ serve }) => {
      assert.match(serve.output(), /\/metrics is off: .*npm install prom-client/);
      assert.is((await fetch(`${serve.origin}/metrics`)).status, 501);
      await assertVectors(await serve.embed({ model: 'm', input: 'a' }), ['a']);
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test('a backend that is down costs hits, no answers, and /healthz says so', async () => {
  const port = await freePort();
  await serving({ args: ['--backend', `redis://:PASSWORD@127.0.0.1:${port}`] }, async ({ serve }) => {
    for (let i = 0; i < 2; i++) await assertVectors(await serve.embed({ model: 'm', input: ['a', 'b'] }), ['a', 'b']);
    assert.is((await fetch(`${serve.origin}/healthz`)).status, 503);
    assert.not.match(serve.output(), /PASSWORD/);
  });
});

test.run();
