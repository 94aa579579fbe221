import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { entry, keysOf, plain } from '../support/entries.js';
import { reader } from '../support/reader.js';
import { freePort } from '../support/redis-server.js';
import { rejection } from '../support/rejection.js';
import { assertTellsNothing } from '../support/secrets.js';
import { callsOf, prefix, SECRET_KEY, upstashBackends } from '../support/upstash-backends.js';
import { type Fault, startUpstash, type UpstashRequest } from '../support/upstash-server.js';

const server = await startUpstash();
const { open, borrow, requestsOf } = upstashBackends(server);
const test = suite('failures of Upstash');

test.after.each(() => {
  server.fault = undefined;
});
test.after(() => server.stop());

test('every failure is typed, told by its name, and tells nothing else', async () => {
  const answer = (status: number, body: string): Fault => ({ kind: 'answer', status, body });
  const failing = (text: string) => answer(400, JSON.stringify({ error: text }));
  const each =
    (reply: string) =>
    ({ commands }: UpstashRequest) =>
      answer(200, `[${commands.map(() => reply).join()}]`);
  const cases: [Fault | ((request: UpstashRequest) => Fault), RegExp][] = [
    [failing(`ERR unknown command ${SECRET_KEY}`), /: ERR$/],
    [failing(`WRONGTYPE ${SECRET_KEY}`), /: WRONGTYPE$/],
    [failing(SECRET_KEY), /: UpstashError$/],
    [answer(400, '{}'), /: UpstashError$/],
    [answer(400, 'null'), /: TypeError$/],
    [
      answer(429, `{"error":"ERR max requests limit exceeded. Limit: 1, ${SECRET_KEY}"}`),
      /: max requests limit exceeded$/,
    ],
    [
      answer(413, '{"error":"ERR max request size exceeded. Limit: 1 bytes, Actual: 2 bytes"}'),
      /: max request size exceeded$/,
    ],
    [answer(502, `<html>${SECRET_KEY}</html>`), /: the answer is no JSON$/],
    [answer(200, `<html>${SECRET_KEY}</html>`), /: the answer is no JSON$/],
    [answer(200, ''), /: the answer is no JSON$/],
    [answer(200, 'null'), /: an answer of unknown form$/],
    [answer(200, `"${SECRET_KEY}"`), /: an answer of unknown form$/],
    [answer(200, `{"result":"${SECRET_KEY}"}`), /: an answer of unknown form$/],
    [answer(200, '[]'), /: an answer of unknown form$/],
    [answer(200, '[null]'), /: an answer of unknown form$/],
    [answer(200, '[{}]'), /: an answer of unknown form$/],
    [answer(200, '[{"result":{}}]'), /: an answer of unknown form$/],
    [answer(200, '[{"result":["x"]}, {"result":["x"]}]'), /: an answer of unknown form$/],
    [answer(200, '[{"result":["1", "2", "3"]}]'), /: an answer of unknown form$/],
    [answer(200, '[{"result":["no cursor", []]}]'), /: an answer of unknown form$/],
    [answer(200, '[{"result":["0", [7]]}]'), /: an answer of unknown form$/],
    [each(`{"error":"OOM ${SECRET_KEY}"}`), /: OOM$/],
    [each(`{"error":"${SECRET_KEY}"}`), /: error reply$/],
    [each('{"error":7}'), /: error reply$/],
    [{ kind: 'drop' }, /: UND_ERR_SOCKET$/],
    [{ kind: 'cut' }, /: UND_ERR_SOCKET$/],
  ];
  const backends = [open(), borrow({ retry: { retries: 0 } })];
  for (const [fault, message] of cases) {
    server.fault = (request) => (typeof fault === 'function' ? fault(request) : fault);
    for (const [index, backend] of backends.entries()) {
      for (const call of callsOf(backend)) {
        const error = await rejection(call());
        assertTellsNothing(error);
        // A client that decodes answers stumbles over some of them by itself.
        if (index === 0 || !/form/.test(message.source)) assert.match(error.message, message);
        const { failures, context } = reader();
        assertTellsNothing(await rejection(backend.getMany([SECRET_KEY], context)));
        assert.is(failures.length, 0, 'nothing was read: that is no partial failure');
      }
    }
  }
  server.fault = () => answer(401, `{"error":"NOAUTH ${SECRET_KEY}"}`);
  const health = await open().health();
  assert.equal({ ...health, latencyMs: 0 }, { ok: false, latencyMs: 0, detail: 'Upstash: NOAUTH' });
  assert.ok(Number.isNaN(health.latencyMs));
});

test('a wrong token, and no server at all', async () => {
  for (const call of callsOf(open({ token: 'nobody-may-see' }))) {
    const error = await rejection(call());
    assert.match(error.message, /: WRONGPASS$/);
    assertTellsNothing(error);
  }
  const away = open({ url: `http://127.0.0.1:${await freePort()}` });
  for (const call of callsOf(away)) {
    const error = await rejection(call());
    assert.match(error.message, /: ECONNREFUSED$/);
    assertTellsNothing(error);
  }
  assert.match((await away.health()).detail ?? '', /ECONNREFUSED/);
});

test('a part that fails is told to the context, and rejects without one', async () => {
  const backend = open();
  // Two requests of several commands each.
  const keys = keysOf(1500, `${prefix}part:`);
  await backend.setMany(keys.map((key) => entry(key)));
  server.fault = () => ({
    kind: 'errors',
    errorOf: (command) => (command.includes(keys[130] as string) ? `ERR ${SECRET_KEY}` : undefined),
  });
  const { failures, context } = reader();
  const values = await backend.getMany([...keys, keys[0] as string], context);
  assert.is(values.filter((value) => value === undefined).length, 128, 'one command failed');
  assert.ok(values.slice(0, 128).every((value) => value?.length === 4));
  assert.is(values.at(-1)?.length, 4);
  assert.is(failures.length, 1);
  assertTellsNothing(failures[0]);
  assertTellsNothing(await rejection(backend.getMany(keys)));

  // A whole request fails.
  server.fault = ({ commands }) =>
    commands.flat().includes(keys[1400] as string) ? { kind: 'answer', status: 500, body: SECRET_KEY } : undefined;
  const again = await backend.getMany(keys, context);
  assert.is(again.filter((value) => value === undefined).length, 1500 - 1024);
  assert.is(failures.length, 2);
  assertTellsNothing(failures[1]);
  server.fault = undefined;
  await backend.clear(prefix);
});

test('one write that fails does not lose the others', async () => {
  const backend = open();
  const keys = keysOf(5, `${prefix}write:`);
  server.fault = () => ({
    kind: 'errors',
    errorOf: (command) => (command.includes(keys[2] as string) ? `OOM ${SECRET_KEY}` : undefined),
  });
  const error = await rejection(backend.setMany(keys.map((key) => entry(key))));
  assert.match(error.message, /^Upstash: 1 of 5 writes failed: OOM$/);
  assertTellsNothing(error);
  server.fault = undefined;
  assert.equal(
    (await backend.getMany(keys)).map((value) => value !== undefined),
    [true, true, false, true, true],
  );
  // A request that fails as a whole, among others.
  const large = keysOf(3, `${prefix}large:`).map((key) => ({ key, value: new Uint8Array(600_000) }));
  server.fault = ({ commands }) =>
    commands.some(([name, key]) => name === 'SET' && key === large[1]?.key)
      ? { kind: 'answer', status: 413, body: SECRET_KEY }
      : undefined;
  assert.match((await rejection(backend.setMany(large))).message, /1 of 3 writes failed/);
  assert.equal(
    (await backend.getMany(large.map(({ key }) => key))).map((value) => value?.length),
    [600_000, undefined, 600_000],
  );
  server.fault = undefined;
  await backend.clear(prefix);
});

test('a connection that is lost: reads and writes are sent once more, removals are not', async () => {
  const backend = open();
  for (const fault of [{ kind: 'drop' }, { kind: 'cut' }] as const) {
    const first = (_: unknown, index: number) => (index === 0 ? fault : undefined);
    server.fault = first;
    const write = await requestsOf(() => backend.setMany([entry(`${prefix}a`)]));
    assert.is(write.requests.length, 2);
    server.fault = first;
    const read = await requestsOf(() => backend.getMany([`${prefix}a`]));
    assert.equal(plain(read.result), [[1, 1, 1, 1]]);
    assert.is(read.requests.length, 2);
    server.fault = first;
    const removal = await requestsOf(() => rejection(backend.deleteMany([`${prefix}a`])));
    assert.match(removal.result.message, /UND_ERR_SOCKET/);
    assert.is(removal.requests.length, 1);
    server.fault = () => fault;
    const lost = await requestsOf(() => rejection(backend.getMany([SECRET_KEY])));
    assert.is(lost.requests.length, 2, 'and only once more');
    server.fault = undefined;
  }
  // What was answered is not asked again.
  server.fault = () => ({ kind: 'answer', status: 503, body: '{"error":"ERR busy"}' });
  assert.is((await requestsOf(() => rejection(backend.getMany([SECRET_KEY])))).requests.length, 1);
});

test('touches and leases: what fails is told by its name, an answer of another form is no lease, and a lost connection is no end', async () => {
  const backend = open();
  const calls = [
    () => backend.touchMany([{ key: SECRET_KEY, ttlMs: 1000 }]),
    () => backend.leases.acquire([SECRET_KEY], SECRET_KEY, 1000),
    () => backend.leases.release([SECRET_KEY], SECRET_KEY),
  ];
  server.fault = () => ({ kind: 'errors', errorOf: () => `OOM ${SECRET_KEY}` });
  for (const call of calls) {
    const error = await rejection(call());
    assert.is(error.message, 'Upstash: OOM');
    assertTellsNothing(error);
  }
  for (const result of [null, 'OK', [1, 1], ['1'], [null]]) {
    server.fault = () => ({ kind: 'answer', body: JSON.stringify([{ result }]) });
    for (const call of calls) assert.match((await rejection(call())).message, /an answer of unknown form/);
  }
  // Executed, but the answer is lost: the same holder asks once more.
  server.fault = (_, index) => (index % 2 === 0 ? { kind: 'cut' } : undefined);
  assert.equal(await backend.leases.acquire([`${prefix}a`], 'one', 60_000), [true]);
  await backend.leases.release([`${prefix}a`], 'one');
  await backend.touchMany([{ key: `${prefix}a`, ttlMs: 1000 }]);
  server.fault = undefined;
  assert.equal(await backend.leases.acquire([`${prefix}a`], 'two', 60_000), [true]);
  await backend.clear(prefix);
});

test.run();
