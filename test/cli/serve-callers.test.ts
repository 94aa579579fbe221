import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { until } from '../../src/testing/until.js';
import { freePort, startRedis } from '../support/redis-server.js';
import { countsOf, startServe } from '../support/serve-process.js';
import { assertVectors, jsonOf, serving } from '../support/serving.js';

const test = suite('callers of vecstash serve');

const texts = (count: number, name = 'text') => Array.from({ length: count }, (_, i) => `${name} ${i}`);

test('a signal cuts no answer that is being sent, however slowly it is read', async () => {
  await serving({}, async ({ serve }) => {
    const body = { model: 'm', input: texts(1500), dimensions: 1536, encoding_format: 'base64' };
    await (await serve.embed(body)).arrayBuffer();
    const exited = once(serve.child, 'exit');
    const headers = { 'content-type': 'application/json', authorization: 'Bearer good' };
    const sent = request(`${serve.url}/embeddings`, { method: 'POST', headers }).end(JSON.stringify(body));
    const [response] = await once(sent, 'response');
    let bytes = 0;
    let isSignalled = false;
    for await (const chunk of response) {
      bytes += chunk.length;
      if (!isSignalled) serve.child.kill('SIGTERM');
      if (!isSignalled) await sleep(300);
      isSignalled = true;
    }
    assert.is(bytes, Number(response.headers['content-length']));
    assert.equal(await exited, [0, null]);
  });
});

test('the check of a key takes no longer than a request, and holds up nobody who does not need it', async () => {
  let delay = 5000;
  const options = { args: ['--timeout', '1s', '--retries', '0'], delay: () => delay };
  await serving(options, async ({ serve, upstream }) => {
    const slow = await serve.embed({ model: 'm', input: 'a' });
    assert.equal([slow.status, (await jsonOf(slow)).error.code], [504, 'timeout']);
    // Many whose input the upstream refuses, and one whose input it takes.
    delay = 200;
    upstream.options.refuse = (input) => String(input).startsWith('bad');
    const bad = texts(20, 'bad').map((input) => serve.embed({ model: 'n', input }));
    const good = serve.embed({ model: 'n', input: 'good' });
    assert.is((await good).status, 200);
    assert.equal(new Set((await Promise.all(bad)).map(({ status }) => status)), new Set([400]));
    // Whoever has gone is not asked for.
    const before = upstream.received;
    const gone = texts(20, 'bad').map((input) =>
      serve.embed({ model: 'o', input }, { signal: AbortSignal.timeout(100) }).catch(() => undefined),
    );
    await Promise.all(gone);
    await sleep(500);
    assert.is(upstream.received - before, 1);
  });
});

test('a check whose answer is of no use to one is made again by the others', async () => {
  const options = { delay: () => 100, zero: (input: unknown) => input === 'zero' };
  await serving(options, async ({ serve }) => {
    const answers = ['zero', 'a', 'b'].map((input) => serve.embed({ model: 'm', input }));
    assert.equal(
      (await Promise.all(answers)).map(({ status }) => status),
      [502, 200, 200],
    );
  });
});

test('a key that the upstream refuses anywhere is forgotten', async () => {
  const keys = new Set(['good']);
  await serving({ keys }, async ({ serve }) => {
    const ask = async (model: string) => (await serve.embed({ model, input: 'a' })).status;
    for (const see of [
      () => ask('n'),
      async () => (await fetch(`${serve.url}/models`, { headers: { authorization: 'Bearer good' } })).status,
      async () => (await serve.embed({ model: 'm', input: 'a', encoding_format: 'int8' })).status,
    ]) {
      assert.is(await ask('m'), 200);
      keys.clear();
      assert.is(await see(), 401);
      assert.is(await ask('m'), 401);
      keys.add('good');
    }
  });
});

test('shared entries: first requests of many keys do not wait for one another, and query strings are apart', async () => {
  const names = texts(10, 'key');
  const options = { args: ['--shared'], keys: new Set(names), delay: () => 300 };
  await serving(options, async ({ serve, upstream }) => {
    const asked = names.map((key) => serve.embed({ model: 'm', input: 'a' }, { key }));
    await until('every key is checked', () => upstream.received >= names.length);
    assert.is(upstream.calls.length, 0);
    for (const answer of asked) await assertVectors(await answer, ['a']);

    const at = (search: string) =>
      fetch(`${serve.url}/embeddings${search}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${names[0]}` },
        body: JSON.stringify({ model: 'm', input: ['x', 'y'] }),
      });
    assert.equal(countsOf(await at('?v=1')), [0, 2]);
    assert.equal(countsOf(await at('?v=2')), [0, 2]);
    assert.equal(countsOf(await at('?v=1')), [2, 0]);
  });
});

test('models whose names have halves of surrogate pairs are apart', async () => {
  await serving({}, async ({ serve }) => {
    const raw = (model: string) => serve.embed(`{"model":"${model}","input":"a"}`);
    for (const model of ['m\\ud800', 'm\\ud801', 'm\\ufffd']) assert.equal(countsOf(await raw(model)), [0, 1]);
    assert.equal(countsOf(await raw('m\\ud801')), [1, 0]);
  });
});

test('whoever reads no answer is cut off', async () => {
  await serving({ args: ['--timeout', '2s'] }, async ({ serve }) => {
    // More than the buffers of a connection hold.
    const input = texts(1500);
    for (let i = 0; i < input.length; i += 100)
      await serve.embed({ model: 'm', input: input.slice(i, i + 100), dimensions: 1536 });
    const text = JSON.stringify({ model: 'm', input, dimensions: 1536 });
    const socket = connect(Number(new URL(serve.url).port), '127.0.0.1');
    socket.pause();
    socket.write(
      `POST /v1/embeddings HTTP/1.1\r\nhost: x\r\nauthorization: Bearer good\r\n` +
        `content-type: application/json\r\ncontent-length: ${text.length}\r\n\r\n${text}`,
    );
    const metrics = async () => (await fetch(`${serve.origin}/metrics`)).text();
    await until('it is counted as gone', async () => (await metrics()).includes('status="499"'), 30_000);
    socket.destroy();
  });
});

test('a log that nobody reads ends nothing', async () => {
  await serving({ args: ['--log', 'json'] }, async ({ serve }) => {
    serve.child.stdout?.destroy();
    serve.child.stderr?.destroy();
    for (let i = 0; i < 5; i++) {
      assert.is((await serve.embed({ model: 'm', input: `text ${i}` })).status, 200);
      await sleep(20);
    }
  });
});

test('pipelined requests end when their caller goes', async () => {
  await serving({ args: ['--log', 'plain'], delay: () => 20_000 }, async ({ serve, upstream }) => {
    const body = '{"model":"m","input":"a"}';
    const socket = connect(Number(new URL(serve.url).port), '127.0.0.1');
    const post = (key: string) =>
      `POST /v1/embeddings HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${key}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    socket.write(post('good') + post('other') + post('good'));
    await until('they are asked for', () => upstream.received >= 2);
    socket.destroy();
    await until('all of them have ended', () => serve.output().split(' 499 ').length === 4);
  });
});

test('a secret that could not be stored at the start is stored when the backend is up', async () => {
  const port = await freePort();
  await serving({ args: ['--backend', `redis://127.0.0.1:${port}`] }, async ({ serve, upstream }) => {
    assert.match(serve.output(), /secret could not be stored yet/);
    const redis = await startRedis({ port });
    try {
      await until('it has found the backend', async () => (await fetch(`${serve.origin}/healthz`)).ok, 20_000);
      // Another one has the same secret: it finds what this one stores from now on.
      const other = await startServe(upstream.url, ['--backend', `redis://127.0.0.1:${port}`]);
      const shares = async () => {
        await serve.embed({ model: 'm', input: 'a' });
        return countsOf(await other.embed({ model: 'm', input: 'a' }))[0] === 1;
      };
      await until('both have one secret', shares, 20_000);
      await other.stop();
    } finally {
      await redis.stop();
    }
  });
});

test.run();
