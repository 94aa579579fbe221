import { inspect } from 'node:util';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import {
  CloudflareKVBackend,
  type CloudflareKVBackendOptions,
  type KVBinding,
} from '../../src/backends/cloudflare-kv/cloudflare-kv.js';
import { InvalidOptionError } from '../../src/errors.js';
import { startKvBothWays } from '../support/cloudflare-backends.js';
import { watched } from '../support/cloudflare-kv.js';
import type { KVNamespace } from '../support/cloudflare-types.js';

const { binding, rest, bound, stop } = await startKvBothWays();
const test = suite('CloudflareKVBackend options');

const VARIABLES = ['CLOUDFLARE_ACCOUNT_ID', 'CLOUDFLARE_KV_NAMESPACE_ID', 'CLOUDFLARE_API_TOKEN'] as const;

test.after(stop);

test('options are checked', () => {
  const { accountId } = rest.access;
  const cases: [unknown, string][] = [
    [{ binding: {} }, 'binding'],
    [{ binding: { ...binding, list: 'no function' } }, 'binding'],
    [{ binding, token: 't' }, 'token'],
    [{ binding, accountId }, 'accountId'],
    [{ binding, baseUrl: 'https://x' }, 'baseUrl'],
    [{ accountId: 'a/../b' }, 'accountId'],
    [{ accountId, namespaceId: '' }, 'namespaceId'],
    [{ ...rest.access, token: 'a b' }, 'token'],
    [{ ...rest.access, baseUrl: 'ftp://x' }, 'baseUrl'],
    [{ ...rest.access, baseUrl: 'https://x?y' }, 'baseUrl'],
    [{ ...rest.access, cacheTtl: '60s' }, 'cacheTtl'],
    [{ binding, cacheTtl: '29s' }, 'cacheTtl'],
    [{ binding, concurrency: 0 }, 'concurrency'],
    [{ binding, concurrency: 1.5 }, 'concurrency'],
    [{ binding, requestTimeout: 0 }, 'requestTimeout'],
    [{ binding, ttl: 'never' }, 'ttl'],
    [{ binding, namespace: 'x' }, 'namespace'],
    [[], 'CloudflareKVBackend options'],
  ];
  for (const [options, name] of cases) {
    assert.throws(
      () => new CloudflareKVBackend(options as CloudflareKVBackendOptions),
      (error: unknown) => error instanceof InvalidOptionError && error.option === name,
      inspect(options),
    );
  }
});

test('the environment says what no option does', async () => {
  const before = VARIABLES.map((name) => process.env[name]);
  const { baseUrl, accountId, namespaceId, token } = rest.access;
  rest.trouble = () => undefined;
  try {
    [accountId, namespaceId, token].forEach((value, index) => {
      process.env[VARIABLES[index] as string] = value;
    });
    const backend = new CloudflareKVBackend({ baseUrl });
    assert.ok((await backend.health()).ok);
    const other = new CloudflareKVBackend({ baseUrl, namespaceId: 'another' });
    assert.match((await other.health()).detail ?? '', /HTTP 404/, 'an option goes first');
    process.env.CLOUDFLARE_API_TOKEN = 'nobody-may\nsee';
    assert.throws(
      () => new CloudflareKVBackend({ baseUrl }),
      (error: InvalidOptionError) => error.option === 'token' && !/nobody-may/.test(error.message),
    );
    for (const [index, name] of VARIABLES.entries()) {
      delete process.env[name];
      assert.throws(
        () => new CloudflareKVBackend(),
        (error: InvalidOptionError) => error.option === 'accountId' && error.message.includes('CLOUDFLARE_ACCOUNT_ID'),
        String(index),
      );
    }
  } finally {
    VARIABLES.forEach((name, index) => {
      if (before[index] === undefined) delete process.env[name];
      else process.env[name] = before[index];
    });
  }
});

test('cacheTtl goes with every read, in whole seconds', async () => {
  const watch = watched(binding);
  const backend = bound(watch, { cacheTtl: 90_500 });
  await backend.getMany(['a']);
  await backend.deleteMany(['a']);
  await bound(watch).getMany(['a']);
  const options = watch.asked.filter(({ method }) => method === 'getWithMetadata').map((call) => call.arguments[1]);
  assert.equal(options, [{ type: 'text', cacheTtl: 91 }, { type: 'text', cacheTtl: 91 }, { type: 'text' }]);
});

test("a user's KVNamespace is a binding", () => {
  // That this compiles is the test.
  const take = (namespace: KVNamespace): KVBinding => namespace;
  const options = (namespace: KVNamespace): CloudflareKVBackendOptions => ({ binding: namespace });
  assert.type(take, 'function');
  assert.type(options, 'function');
});

test.run();
