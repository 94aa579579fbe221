import { inspect } from 'node:util';
import { Redis } from '@upstash/redis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { UpstashBackend, type UpstashBackendOptions, VercelKVBackend } from '../../src/backends/upstash/upstash.js';
import { InvalidOptionError } from '../../src/errors.js';
import { entry, plain } from '../support/entries.js';
import { freePort } from '../support/redis-server.js';
import { prefix, upstashBackends } from '../support/upstash-backends.js';
import { startUpstash } from '../support/upstash-server.js';

const server = await startUpstash();
const { url, token } = server;
const { open } = upstashBackends(server);
const test = suite('options of UpstashBackend and VercelKVBackend');

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

test.after(() => server.stop());

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

test.run();
