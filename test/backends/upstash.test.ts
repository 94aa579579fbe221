import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { type UpstashRequest as HttpRequest, Redis, type Requester } from '@upstash/redis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UpstashBackend, type UpstashBackendOptions, VercelKVBackend } from '../../src/backends/upstash/upstash.js';
import { InvalidOptionError, type VecstashError } from '../../src/errors.js';
import { until } from '../../src/testing/until.js';
import { backendContract } from '../contract/backend-contract.js';
import { entry, plain } from '../support/entries.js';
import { freePort } from '../support/redis-server.js';
import { rejection } from '../support/rejection.js';
import { assertTellsNothing, SECRET_KEY as SECRET, SECRET_VALUE } from '../support/secrets.js';
import { type Fault, startUpstash } from '../support/upstash-server.js';

const server = await startUpstash();
const { url, token } = server;
const test = suite('UpstashBackend and VercelKVBackend');
const prefix = `test-${process.pid}-${Date.now()}:`;
const SECRET_KEY = prefix + SECRET;
/** Never answered within a test, unless a test asks for less. */
const NEVER = '1h';

const open = (options: UpstashBackendOptions = {}) => new UpstashBackend({ url, token, ...options });
const borrow = (settings: object = {}, options: UpstashBackendOptions = {}) =>
  new UpstashBackend({ client: new Redis({ url, token, enableTelemetry: false, ...settings }), ...options });
const keysOf = (count: number, name: string) =>
  Array.from({ length: count }, (_, index) => `${prefix}${name}:${index}`);

/** What a call sent. */
async function requestsOf<T>(call: () => Promise<T>) {
  const before = server.requests.length;
  const result = await call();
  return { result, requests: server.requests.slice(before) };
}

/** A context, and what it is told. */
function reader() {
  const controller = new AbortController();
  const failures: unknown[] = [];
  const context = { signal: controller.signal, onPartialFailure: (error: unknown) => void failures.push(error) };
  return { controller, failures, context };
}

/** Runs something with these environment variables and no others of the four. */
function withEnvironment<T>(variables: Record<string, string>, run: () => T): T {
  const names = ['UPSTASH_REDIS_REST_URL', 'UPSTASH_REDIS_REST_TOKEN', 'KV_REST_API_URL', 'KV_REST_API_TOKEN'];
  const before = names.map((name) => [name, process.env[name]] as const);
  try {
    for (const name of names) delete process.env[name];
    Object.assign(process.env, variables);
    return run();
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) delete process.env[name];
      else process.env[name] = value;
    }
  }
}

const upstashPair = (itsUrl: string, itsToken: string) => ({
  UPSTASH_REDIS_REST_URL: itsUrl,
  UPSTASH_REDIS_REST_TOKEN: itsToken,
});
const vercelPair = (itsUrl: string, itsToken: string) => ({ KV_REST_API_URL: itsUrl, KV_REST_API_TOKEN: itsToken });

test.after.each(() => {
  server.fault = undefined;
});
test.after(() => server.stop());

test('1000 keys are one request, however they are asked for', async () => {
  const backend = open();
  const keys = keysOf(1000, 'many');
  const written = await requestsOf(() => backend.setMany(keys.map((key) => entry(key))));
  assert.is(written.requests.length, 1);
  const read = await requestsOf(() => backend.getMany([...keys, ...keys]));
  assert.is(read.requests.length, 1);
  assert.is(read.result.filter((value) => value?.length === 4).length, 2000);
  const [{ commands = [], path = '', headers = {} } = {}] = read.requests;
  assert.ok(commands.length <= 8);
  assert.ok(commands.every(([name]) => name === 'MGET'));
  assert.is(commands.flat().length - commands.length, 1000, 'each key is asked for once');
  assert.is(path, '/pipeline');
  assert.not.ok(Object.keys(headers).some((name) => name.includes('telemetry') || name === 'upstash-encoding'));
  const removed = await requestsOf(() => backend.deleteMany([...keys, ...keys]));
  assert.is(removed.result, 1000);
  assert.is(removed.requests.length, 1);
  assert.is((await requestsOf(() => backend.health())).requests.length, 1);
});

test('nothing is asked of the store for nothing', async () => {
  const backend = open();
  const { requests } = await requestsOf(async () => {
    await backend.getMany([]);
    await backend.setMany([]);
    await backend.deleteMany([]);
    await backend.getMany(['k'.repeat(32_001)]);
    await backend.clear('k'.repeat(32_001));
  });
  assert.is(requests.length, 0);
});

test('a large batch is several requests within 1 MB', async () => {
  const backend = open();
  const values = keysOf(40, 'large').map((key) => ({ key, value: randomBytes(100_000) }));
  values.push({ key: `${prefix}larger`, value: randomBytes(1_500_000) });
  const written = await requestsOf(() => backend.setMany(values));
  const sizes = written.requests.map(({ bytes }) => bytes).sort((a, b) => a - b);
  assert.ok((sizes.pop() as number) > 2_000_000, 'what is larger by itself goes by itself');
  assert.ok(sizes.every((bytes) => bytes <= 1_000_000));
  assert.ok(sizes.length >= 6 && sizes.length <= 8, `${sizes.length} requests`);
  const read = await backend.getMany(values.map(({ key }) => key));
  for (const [index, { value }] of values.entries()) assert.is(Buffer.compare(read[index] as Uint8Array, value), 0);

  // Keys take their room too, and more of it where JSON escapes them.
  const long = keysOf(120, 'long').map((key) => key + '\n'.repeat(10_000));
  for (const call of [
    () => backend.setMany(long.map((key) => entry(key))),
    () => backend.getMany(long),
    () => backend.deleteMany(long),
  ]) {
    const { requests } = await requestsOf<unknown>(call);
    assert.ok(requests.length >= 3);
    assert.ok(requests.every(({ bytes }) => bytes <= 1_000_000));
  }
  const many = keysOf(3000, 'many');
  assert.is((await requestsOf(() => backend.getMany(many))).requests.length, 3);
  await backend.clear(prefix);
});

test('the last of two writes of a key wins, also where they would be in two requests', async () => {
  const backend = open();
  const key = `${prefix}twice`;
  const between = keysOf(10, 'between').map((each) => ({ key: each, value: new Uint8Array(200_000) }));
  await backend.setMany([{ key, value: new Uint8Array(900_000) }, ...between, entry(key, 2)]);
  assert.equal(plain(await backend.getMany([key])), [[2, 2, 2, 2]]);
  await backend.clear(prefix);
});

test('clear takes bounded steps, and nothing that the store offers beside', async () => {
  const backend = open();
  const keys = keysOf(2500, 'clear');
  await backend.setMany([...keys, `${prefix}other`].map((key) => entry(key)));
  const { result, requests } = await requestsOf(() => backend.clear(`${prefix}clear:`));
  assert.is(result, 2500);
  const commands = requests.flatMap((request) => request.commands);
  assert.ok(commands.filter(([name]) => name === 'SCAN').length >= 3);
  assert.ok(commands.every((command) => command.length <= 129));
  // A store that understands patterns in another way.
  server.fault = ({ commands: [command] }) =>
    command?.[0] === 'SCAN'
      ? { kind: 'answer', body: JSON.stringify([{ result: ['0', [`${prefix}other`]] }]) }
      : undefined;
  assert.is(await backend.clear(`${prefix}clear:`), 0);
  server.fault = undefined;
  assert.is(await backend.deleteMany([`${prefix}other`]), 1);
});

test('1000 touches and 1000 leases are one request each, of few commands where that can be', async () => {
  const backend = open();
  const keys = keysOf(1000, 'touched');
  await backend.setMany(keys.map((key) => ({ ...entry(key), ttlMs: 60_000 })));
  const touched = await requestsOf(() => backend.touchMany(keys.map((key) => ({ key, ttlMs: 600_000 }))));
  assert.is(touched.requests.length, 1);
  assert.ok((await server.redis.pttl(keys[999] as string)) > 500_000);
  const names = keysOf(1000, 'name');
  const taken = await requestsOf(() => backend.leases.acquire([...names, ...names], 'one', 60_000));
  assert.ok(taken.result.every(Boolean) && taken.result.length === 2000);
  assert.is(taken.requests.length, 1);
  assert.is(taken.requests[0]?.commands.length, 8);
  assert.is(await server.redis.get(names[999] as string), 'one');
  const free = await requestsOf(() => backend.leases.release(names, 'one'));
  assert.is(free.requests.length, 1);
  assert.is(await server.redis.exists(names[999] as string), 0);
  const none = await requestsOf(async () => {
    await backend.touchMany([{ key: 'k'.repeat(32_001), ttlMs: 1000 }]);
    await backend.leases.acquire([], 'one', 1000);
    await backend.leases.release(['k'.repeat(32_001)], 'one');
  });
  assert.is(none.requests.length, 0);
  await backend.clear(prefix);
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

test('lives become whole milliseconds', async () => {
  const backend = open({ ttl: '1h' });
  await backend.setMany([
    { ...entry(`${prefix}a`), ttlMs: 90_000.2 },
    entry(`${prefix}b`),
    { ...entry(`${prefix}c`), ttlMs: 1e300 },
  ]);
  const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((key) => server.redis.pttl(prefix + key)));
  assert.ok((a as number) > 80_000 && (a as number) <= 90_001);
  assert.ok((b as number) > 3_500_000 && (b as number) <= 3_600_000);
  assert.ok((c as number) > 1e12);
  const refused = await requestsOf(() =>
    rejection(backend.setMany([entry('y'), { ...entry('x'), ttlMs: Number.NaN }])),
  );
  assert.is((refused.result as VecstashError).code, 'INVALID_INPUT');
  assert.is(refused.requests.length, 0);
  await backend.clear(prefix);
});

test('what one backend wrote the other reads, bit for bit', async () => {
  const values = [new Uint8Array(0), Uint8Array.from({ length: 256 }, (_, value) => value)];
  for (let length = 1; length < 40; length += 1) values.push(randomBytes(length));
  // What is JSON as base64: null, true, 1234 and 1e10.
  for (const text of ['null', 'true', '1234', '1e10']) values.push(Buffer.from(text, 'base64'));
  const entries = values.map((value, index) => ({ key: `${prefix}bits:${index}`, value }));
  await open().setMany(entries);
  const read = await new VercelKVBackend({ url, token }).getMany(entries.map(({ key }) => key));
  assert.equal(plain(read), plain(values));
  await open().clear(prefix);
});

test('values that are no base64 are misses, and spoil nothing', async () => {
  const backend = open();
  await server.redis.lpush(`${prefix}list`, 'x');
  const texts = ['{"a":1}', 'AAA', 'AAAA=', 'AA AAAAA', 'AAA\u00e9', '====', 'A===', 'AA=A', 'AAAA\n\n\n\n'];
  for (const [index, text] of texts.entries()) await server.redis.set(`${prefix}bad:${index}`, text);
  await server.redis.set(`${prefix}bad:bytes`, Buffer.from([0xff, 0xfe, 0x80, 0x00]));
  await backend.setMany([entry(`${prefix}good`)]);
  const bad = [...texts.keys(), 'bytes'].map((name) => `${prefix}bad:${name}`);
  const values = await backend.getMany([`${prefix}list`, ...bad, `${prefix}good`]);
  assert.equal(plain(values), [...new Array(bad.length + 1).fill(undefined), [1, 1, 1, 1]]);
  await backend.clear(prefix);
});

test("the user's own client, whatever it does with values", async () => {
  const settings = [
    {},
    { automaticDeserialization: false },
    { responseEncoding: false as const },
    { latencyLogging: false },
  ];
  // What a client with automatic deserialization takes for null, true, a number and another number.
  const values = ['null', 'true', '1234', '1e10', ''].map((text) => new Uint8Array(Buffer.from(text, 'base64')));
  const keys = ['null', '1234', '{"a": 1}', '"quoted"', 'T0s='].map((key) => `${prefix}own:${key}`);
  // Keys that are JSON as a whole: SCAN answers them, and they are to be removed as they are.
  const bare = ['null', '1234', '{"a": 1}', 'OK', 'T0s='];
  for (const setting of settings) {
    const client = new Redis({ url, token, enableTelemetry: false, ...setting });
    const backend = new UpstashBackend({ client });
    await backend.setMany(keys.map((key, index) => ({ key, value: values[index] as Uint8Array })));
    assert.equal(plain(await backend.getMany(keys)), plain(values), inspect(setting));
    assert.equal(plain(await open().getMany(keys)), plain(values));
    assert.is(await backend.clear(`${prefix}own:`), keys.length);
    if (server.isPrivate) {
      await backend.setMany(bare.map((key) => entry(key)));
      assert.is(await backend.clear(''), bare.length, inspect(setting));
    }
    assert.ok((await backend.health()).ok);
    // What the client itself stores is no record, and does no harm.
    await client.set(`${prefix}object`, { a: 1 });
    assert.equal(await backend.getMany([`${prefix}object`]), [undefined]);
    await backend.close();
    assert.equal(
      await client.get(`${prefix}object`),
      setting.automaticDeserialization === false ? '{"a":1}' : { a: 1 },
    );
    assert.is(await client.del(`${prefix}object`), 1);
  }
});

test('a client that sends requests in its own way is a client', async () => {
  const sent: unknown[] = [];
  const client = new Redis({
    request: async <T>({ body }: { body?: unknown }) => {
      sent.push(body);
      return [{ result: [null] }] as { result?: T };
    },
  });
  assert.equal(await new UpstashBackend({ client }).getMany(['a']), [undefined]);
  assert.equal(sent, [[['MGET', 'a']]]);
});

test('a read sees what the same backend wrote before: the sync token is sent back', async () => {
  const backend = open();
  await backend.setMany([entry(`${prefix}a`)]);
  const { requests } = await requestsOf(() => backend.deleteMany([`${prefix}a`]));
  assert.match(requests[0]?.headers['upstash-sync-token'] as string, /^sync-\d+$/);
});

test('the environment: both pairs of names, each class its own first, and no pair is mixed', async () => {
  const works = async (backend: UpstashBackend | VercelKVBackend) => (await backend.health()).ok;
  const wrong = (await freePort()).toString();
  const nowhere = `http://127.0.0.1:${wrong}`;
  for (const Backend of [UpstashBackend, VercelKVBackend]) {
    assert.ok(await works(withEnvironment(upstashPair(url, token), () => new Backend())));
    assert.ok(await works(withEnvironment(vercelPair(url, token), () => new Backend())));
    assert.ok(await works(withEnvironment({}, () => new Backend({ url, token }))));
    assert.ok(await works(withEnvironment(upstashPair(nowhere, 'x'), () => new Backend({ url, token }))));
    assert.ok(await works(withEnvironment({ UPSTASH_REDIS_REST_TOKEN: token }, () => new Backend({ url }))));
    assert.ok(await works(withEnvironment({ KV_REST_API_URL: url }, () => new Backend({ token }))));
    // The first pair is incomplete: its URL is not used with the other's token.
    const half = { UPSTASH_REDIS_REST_URL: nowhere, ...vercelPair(url, token) };
    assert.ok(await works(withEnvironment(half, () => new Backend())));
    const empty = { ...upstashPair(url, token), KV_REST_API_URL: '', KV_REST_API_TOKEN: '' };
    assert.ok(await works(withEnvironment(empty, () => new Backend())));
  }
  const both = { ...upstashPair(url, token), ...vercelPair(nowhere, 'x') };
  assert.ok(await works(withEnvironment(both, () => new UpstashBackend())));
  assert.not.ok(await works(withEnvironment(both, () => new VercelKVBackend())));
  const other = { ...upstashPair(nowhere, 'x'), ...vercelPair(url, token) };
  assert.not.ok(await works(withEnvironment(other, () => new UpstashBackend())));
  assert.ok(await works(withEnvironment(other, () => new VercelKVBackend())));
});

test('options are checked, and an error tells names but no secrets', () => {
  const secret = 'https://nobody-may-see.example';
  const cases: [unknown, string, Record<string, string>?][] = [
    [{}, 'url'],
    [{ url }, 'token'],
    [{ token }, 'url'],
    [{}, 'token', { UPSTASH_REDIS_REST_URL: url }],
    [{}, 'token', { UPSTASH_REDIS_REST_URL: url, KV_REST_API_TOKEN: token }],
    [{}, 'url', upstashPair('rediss://default:nobody-may-see@host:6379', token)],
    [{}, 'token', vercelPair(url, 'nobody-may-see\n')],
    [{ url: 5, token }, 'url'],
    [{ url: `${secret}\n`, token }, 'url'],
    [{ url: 'https://default:nobody-may-see@host', token }, 'url'],
    [{ url: `${secret}?_token=nobody-may-see`, token }, 'url'],
    [{ url: 'https://host:port', token }, 'url'],
    [{ url: '', token }, 'url'],
    [{ url, token: '' }, 'token'],
    [{ url, token: 'nobody may see' }, 'token'],
    [{ url, token: 'nobody-may-see-\u00e9' }, 'token'],
    [{ url, token, ttl: 'never' }, 'ttl'],
    [{ url, token, requestTimeout: 0 }, 'requestTimeout'],
    [{ url, token, host: 'x' }, 'host'],
    [{ client: {} }, 'client'],
    [{ client: server.redis }, 'client'],
    [{ client: new Redis({ url, token }), url }, 'url'],
    [{ client: new Redis({ url, token }), token }, 'token'],
    [[], 'Backend options'],
  ];
  for (const Backend of [UpstashBackend, VercelKVBackend]) {
    for (const [options, name, environment] of cases) {
      assert.throws(
        () => withEnvironment(environment ?? {}, () => new Backend(options as UpstashBackendOptions)),
        (error: unknown) =>
          error instanceof InvalidOptionError &&
          error.option.endsWith(name) &&
          !/nobody|127\.0\.0\.1/.test(inspect(error, { showHidden: true })),
        inspect(options, { depth: 0 }),
      );
    }
    for (const variable of [
      'UPSTASH_REDIS_REST_URL',
      'KV_REST_API_URL',
      'UPSTASH_REDIS_REST_TOKEN',
      'KV_REST_API_TOKEN',
    ]) {
      assert.throws(() => withEnvironment({}, () => new Backend()), new RegExp(variable));
    }
  }
});

/** Calls of each kind that tell a secret if they can. */
const callsOf = (backend: UpstashBackend): (() => Promise<unknown>)[] => [
  () => backend.getMany([SECRET_KEY]),
  () => backend.setMany([{ key: SECRET_KEY, value: SECRET_VALUE }]),
  () => backend.deleteMany([SECRET_KEY]),
  () => backend.clear(SECRET_KEY),
];

test('every failure is typed, told by its name, and tells nothing else', async () => {
  const answer = (status: number, body: string): Fault => ({ kind: 'answer', status, body });
  const failing = (text: string) => answer(400, JSON.stringify({ error: text }));
  const cases: [Fault, RegExp][] = [
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
    [answer(200, `[{"error":"OOM ${SECRET_KEY}"}]`), /: OOM$/],
    [answer(200, `[{"error":"${SECRET_KEY}"}]`), /: error reply$/],
    [answer(200, '[{"error":7}]'), /: error reply$/],
    [{ kind: 'drop' }, /: UND_ERR_SOCKET$/],
    [{ kind: 'cut' }, /: UND_ERR_SOCKET$/],
  ];
  const backends = [open(), borrow({ retry: { retries: 0 } })];
  for (const [fault, message] of cases) {
    server.fault = () => fault;
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
  const keys = keysOf(1500, 'part');
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
  const keys = keysOf(5, 'write');
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
  const large = keysOf(3, 'large').map((key) => ({ key, value: new Uint8Array(600_000) }));
  server.fault = ({ commands }) =>
    commands[0]?.[1] === large[1]?.key ? { kind: 'answer', status: 413, body: SECRET_KEY } : undefined;
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

test('a server that never answers: calls reject in time, and the requests are given up', async () => {
  for (const backend of [open({ requestTimeout: 100 }), borrow({}, { requestTimeout: 100 })]) {
    server.fault = () => ({ kind: 'hang' });
    for (const call of callsOf(backend)) {
      const { result, requests } = await requestsOf(() => rejection(call()));
      assert.match(result.message, /no answer within 100 ms$/);
      assertTellsNothing(result);
      assert.is(requests.length, 1);
      await until('the request is given up', () => requests[0]?.isAbandoned === true);
    }
    assert.match((await backend.health()).detail ?? '', /^Upstash: no answer within 100 ms$/);
    server.fault = undefined;
    await until('it is well again', async () => (await backend.health()).ok);
    await backend.close();
  }
});

test('a call of many requests ends with the first that is not answered, and keeps what was', async () => {
  const backend = open({ requestTimeout: 100 });
  const keys = keysOf(20_000, 'hang');
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
  const patient = new UpstashBackend({ client, requestTimeout: NEVER });
  await patient.setMany(keys.slice(0, 2048).map((key) => entry(key)));
  server.fault = ({ commands }) => (commands.flat().includes(keys[0] as string) ? { kind: 'hang' } : undefined);
  const { controller, failures, context } = reader();
  answered = 0;
  const { result, requests } = await requestsOf(async () => {
    const reading = patient.getMany(keys.slice(0, 2048), context);
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
  await patient.clear(prefix);
});

test('four requests of a call are under way at the same time, and no more', async () => {
  const backend = open({ requestTimeout: NEVER });
  server.fault = ({ commands }) => (commands[0]?.[0] === 'MGET' ? { kind: 'hang' } : undefined);
  const { controller, context } = reader();
  const before = server.requests.length;
  const reading = rejection(backend.getMany(keysOf(10_000, 'four'), context));
  await until('four are sent', () => server.requests.length === before + 4);
  await backend.health();
  await backend.health();
  controller.abort();
  await reading;
  assert.is(server.requests.length, before + 6, 'with the two of health');
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
  const keys = keysOf(10_000, 'deaf');
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

test('connections are kept and used again', async () => {
  const backend = open();
  await backend.setMany([entry(`${prefix}a`)]);
  const before = server.connections();
  for (let round = 0; round < 20; round += 1) await backend.getMany([`${prefix}a`]);
  assert.ok(server.connections() - before <= 1);
  await backend.clear(prefix);
});

test('nothing is printed', async () => {
  const printed: unknown[] = [];
  const { log, warn, error } = console;
  console.log = console.warn = console.error = (line: unknown) => void printed.push(line);
  try {
    const backend = open();
    await backend.setMany([entry(`${prefix}a`)]);
    await backend.clear(prefix);
    await rejection(open({ token: 'wrong' }).getMany(['a']));
  } finally {
    Object.assign(console, { log, warn, error });
  }
  assert.equal(printed, []);
});

backendContract('UpstashBackend: a stand-in over redis-server', {
  open: () => new UpstashBackend({ url, token }),
  isExclusive: server.isPrivate,
});
backendContract("VercelKVBackend: the stand-in, by the user's own client", {
  open: () => new VercelKVBackend({ client: new Redis({ url, token }) }),
  isExclusive: server.isPrivate,
});
test.run();
