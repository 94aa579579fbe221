import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { CacheBackend } from '../../src/backends/backend.js';
import { CloudflareKVBackend } from '../../src/backends/cloudflare-kv/cloudflare-kv.js';
import { DynamoDBBackend } from '../../src/backends/dynamodb/dynamodb.js';
import { UpstashBackend } from '../../src/backends/upstash/upstash.js';
import { VecstashError } from '../../src/errors.js';
import { entry } from '../support/entries.js';

const test = suite('clients that throw whatever they like');

const broken = (property: string) =>
  Object.defineProperty(new Error('x'), property, {
    get() {
      throw new Error('a property that throws');
    },
  });

/** What may be thrown, if it is thrown by somebody else. */
const THROWN: unknown[] = [undefined, null, 'text', 7, Symbol('x'), {}, Object.create(null), new Error('x')];
THROWN.push(...['name', 'message', 'cause', 'code'].map(broken));

type Call = () => Promise<never>;

/** Backends over clients all of whose calls are `fail`. */
const MAKERS: Record<string, (fail: Call) => CacheBackend> = {
  Upstash: (fail) => new UpstashBackend({ client: { client: { request: fail }, pipeline: fail } as never }),
  DynamoDB: (fail) =>
    new DynamoDBBackend({ table: 'table', client: { send: fail, destroy() {}, config: {} } as never }),
  'Cloudflare KV': (fail) =>
    new CloudflareKVBackend({ binding: { getWithMetadata: fail, put: fail, delete: fail, list: fail } }),
};

function callsOf(backend: CacheBackend): (() => Promise<unknown>)[] {
  const { leases, locks } = backend;
  return [
    () => backend.getMany(['a']),
    () => backend.setMany([entry('a')]),
    () => backend.deleteMany(['a']),
    () => backend.clear('a'),
    ...(leases ? [() => leases.acquire(['a'], 'one', 1000), () => leases.release(['a'], 'one')] : []),
    ...(locks ? [() => locks.acquire(['a'], 'one', 1000), () => locks.setMany([entry('a')], 'one')] : []),
  ];
}

for (const [name, make] of Object.entries(MAKERS)) {
  test(`${name}: each call rejects with a typed error, and nothing is left unhandled`, async () => {
    const unhandled: unknown[] = [];
    const note = (error: unknown) => void unhandled.push(error);
    process.on('unhandledRejection', note);
    for (const thrown of THROWN) {
      const atOnce: Call = () => {
        throw thrown;
      };
      for (const fail of [atOnce, () => Promise.reject(thrown)]) {
        const backend = make(fail);
        for (const call of callsOf(backend)) {
          const result = await call().catch((error: unknown) => error);
          assert.instance(result, VecstashError);
        }
        assert.is((await backend.health()).ok, false);
        await backend.close();
      }
    }
    await new Promise(setImmediate);
    process.off('unhandledRejection', note);
    assert.equal(unhandled, []);
  });
}

test.run();
