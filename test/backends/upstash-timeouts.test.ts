import { type UpstashRequest as HttpRequest, Redis, type Requester } from '@upstash/redis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UpstashBackend } from '../../src/backends/upstash/upstash.js';
import { until } from '../../src/testing/until.js';
import { entry, keysOf } from '../support/entries.js';
import { reader } from '../support/reader.js';
import { rejection } from '../support/rejection.js';
import { assertTellsNothing } from '../support/secrets.js';
import { callsOf, NEVER, prefix, SECRET_KEY, upstashBackends } from '../support/upstash-backends.js';
import { startUpstash } from '../support/upstash-server.js';

const server = await startUpstash();
const { url, token } = server;
const { open, borrow, requestsOf } = upstashBackends(server);
const test = suite('timeouts and aborts of Upstash');

// The first request of a process loads what sends requests, for which the time that tests give it may be too little.
test.before(async () => {
  await open().health();
});
test.after.each(() => {
  server.fault = undefined;
});
test.after(() => server.stop());

test('a server that never answers: calls reject in time, and the requests are given up', async () => {
  // Long enough for a machine that stalls to send them.
  const requestTimeout = 2000;
  for (const backend of [open({ requestTimeout }), borrow({}, { requestTimeout })]) {
    server.fault = () => ({ kind: 'hang' });
    const calls = callsOf(backend);
    const [{ result, requests }, { detail }] = await Promise.all([
      requestsOf(() => Promise.all(calls.map((call) => rejection(call())))),
      backend.health(),
    ]);
    for (const error of result) {
      assert.match(error.message, /no answer within 2000 ms$/);
      assertTellsNothing(error);
    }
    assert.match(detail ?? '', /^Upstash: no answer within 2000 ms$/);
    assert.is(requests.length, calls.length + 1);
    await until('the requests are given up', () => requests.every(({ isAbandoned }) => isAbandoned));
    server.fault = undefined;
    await until('it is well again', async () => (await backend.health()).ok);
    await backend.close();
  }
});

test('a call of many requests ends with the first that is not answered, and keeps what was', async () => {
  const backend = open({ requestTimeout: 100 });
  const keys = keysOf(20_000, `${prefix}hang:`);
  server.fault = () => ({ kind: 'hang' });
  const written = await requestsOf(() => rejection(backend.setMany(keys.map((key) => entry(key)))));
  assert.match(written.result.message, /^Upstash: 20000 of 20000 writes failed: no answer within 100 ms$/);
  assert.ok(written.requests.length <= 4, 'what was not sent yet stays unsent');
  server.fault = undefined;
  await backend.close();

  const { client: http } = new Redis({ url, token }) as unknown as { client: Requester };
  let answered = 0;
  const client = new Redis({
    request: async <T>(request: HttpRequest) => {
      const answer = await http.request<T>(request);
      answered += 1;
      return answer;
    },
  });
  const unbounded = new UpstashBackend({ client, requestTimeout: NEVER });
  await unbounded.setMany(keys.slice(0, 2048).map((key) => entry(key)));
  server.fault = ({ commands }) => (commands.flat().includes(keys[0] as string) ? { kind: 'hang' } : undefined);
  const { controller, failures, context } = reader();
  answered = 0;
  const { result, requests } = await requestsOf(async () => {
    const reading = unbounded.getMany(keys.slice(0, 2048), context);
    await until('one of two is answered', () => answered === 1);
    controller.abort();
    return reading;
  });
  assert.ok(result.slice(0, 1024).every((value) => value === undefined));
  assert.ok(result.slice(1024).every((value) => value?.length === 4));
  assert.is(requests.length, 2);
  assert.is(failures.length, 1);
  assert.match((failures[0] as Error).message, /no longer waited for/);
  server.fault = undefined;
  await unbounded.clear(prefix);
});

test('a read whose signal is aborted gives up at once, and one that was aborted before asks nothing', async () => {
  for (const backend of [open({ requestTimeout: NEVER }), borrow({}, { requestTimeout: NEVER })]) {
    server.fault = () => ({ kind: 'hang' });
    const before = server.requests.length;
    const { controller, failures, context } = reader();
    const reading = rejection(backend.getMany([SECRET_KEY], context));
    await until('it is sent', () => server.requests.length === before + 1);
    controller.abort();
    const error = await reading;
    assert.match(error.message, /no longer waited for/);
    assertTellsNothing(error);
    await until('the request is given up', () => server.requests[before]?.isAbandoned === true);
    const { result, requests } = await requestsOf(() => rejection(backend.getMany([SECRET_KEY], context)));
    assertTellsNothing(result);
    assert.is(requests.length, 0);
    assert.is(failures.length, 0);
    server.fault = undefined;
  }
});

test('a client that does not hear of an abort is left alone, and not asked after one', async () => {
  let sent = 0;
  const client = new Redis({
    request: () => {
      sent += 1;
      return new Promise<never>(() => {});
    },
  });
  const keys = keysOf(10_000, `${prefix}deaf:`);
  const error = await rejection(new UpstashBackend({ client, requestTimeout: 50 }).getMany(keys));
  assert.match(error.message, /no answer within 50 ms/);
  assert.is(sent, 4);
  const { controller, context } = reader();
  controller.abort();
  const refusal = await rejection(new UpstashBackend({ client, requestTimeout: NEVER }).getMany(keys, context));
  assert.match(refusal.message, /no longer waited for/);
  assert.is(sent, 4);
});

test('a request may take longer than a timer of Node can measure', async () => {
  const backend = open({ requestTimeout: '30d' });
  server.fault = () => ({ kind: 'hang' });
  const { controller, context } = reader();
  const before = server.requests.length;
  const reading = rejection(backend.getMany([SECRET_KEY], context));
  // Longer than the 1 ms that Node makes of too long a time.
  await until('it is sent', () => server.requests.length === before + 1);
  await new Promise((resolve) => setTimeout(resolve, 10));
  controller.abort();
  assert.match((await reading).message, /no longer waited for/);
});

test.run();
