import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { createCache } from '../../src/cache/cache.js';
import { InvalidInputError, InvalidOptionError } from '../../src/errors.js';
import { scripted } from '../support/backends.js';
import { DIMENSIONS, open } from '../support/embeddings.js';
import { prf } from '../support/prf.js';

test('wrong options and arguments are refused by name', async () => {
  const backend = scripted();
  const options: [() => unknown, string][] = [
    [() => createCache({ backend }).embeddings('a', { model: { revision: '1' } as never, dimensions: 8 }), 'model.id'],
    [() => createCache({} as never), 'backend'],
    [() => createCache({ backend: {} } as never), 'backend'],
    [() => createCache({ backend, ttl: -1 }), 'ttl'],
    [() => createCache({ backend, ttl: '5 parsecs' as '5s' }), 'ttl'],
    [() => createCache({ backend, readTimeout: 0 }), 'readTimeout'],
    [() => createCache({ backend, keyPrefix: 'a:b' }), 'keyPrefix'],
    [() => createCache({ backend, version: 1.5 }), 'version'],
    [() => createCache({ backend, secret: '' }), 'secret'],
    [() => createCache({ backend, ttll: 5 } as never), 'ttll'],
    [() => createCache({ backend }).embeddings('a:b', { model: 'm', dimensions: 8 }), 'namespace'],
    [() => createCache({ backend }).embeddings('a', { dimensions: 8 } as never), 'model'],
    [() => createCache({ backend }).embeddings('a', { model: '', dimensions: 8 }), 'model'],
    [
      () => createCache({ backend }).embeddings('a', { model: { id: 'm', role: 'x' } as never, dimensions: 8 }),
      'model.role',
    ],
    [() => createCache({ backend }).embeddings('a', { model: 'm', dimensions: -1 }), 'dimensions'],
    [() => createCache({ backend }).embeddings('a', { model: 'm', dimensions: 8, ttl: -1 }), 'ttl'],
    [() => createCache({ backend }).embeddings('a', { model: 'm', dimensions: 8, batchSize: 0 }), 'batchSize'],
    [() => createCache({ backend }).embeddings('a', { model: 'm', dimensions: 8, batchsize: 5 } as never), 'batchsize'],
    [() => createCache({ backend }).embeddings('a', { model: 'm', dimensions: 8, embed: 'x' as never }), 'embed'],
  ];
  for (const [make, option] of options) {
    assert.throws(make, (error: unknown) => {
      if (error instanceof InvalidOptionError && error.option === option) return true;
      throw new Error(`${option}: ${error}`);
    });
  }
  assert.throws(() => createCache({ backend, ttl: -1 }), /ttl: expected .*, got -1/);

  const { embeddings } = open();
  const without = createCache({ backend }).embeddings('a', { model: 'm', dimensions: 8 });
  const calls: [Promise<unknown>, string][] = [
    [embeddings.embed('text' as never), 'inputs'],
    [embeddings.embed(['a', 5 as never]), 'inputs[1]'],
    [embeddings.embed([null as never]), 'inputs[0]'],
    [embeddings.set('a', [1, 2]), 'entries[0]'],
    [embeddings.set('a', prf('a', DIMENSIONS).fill(Number.NaN)), 'entries[0]'],
    [embeddings.embed(['a'], { ttl: -1 }), 'ttl'],
    [without.embed(['a']), 'embed'],
  ];
  for (const [call, name] of calls) {
    await call.then(
      () => assert.unreachable(name),
      (error) => assert.is(error instanceof InvalidInputError ? error.field : error.option, name),
    );
  }
});

test('another model, dimension, role, version, prefix or secret is another key', () => {
  const key = (cacheOptions: object, model: object | string, dimensions = 8) =>
    createCache({ backend: scripted(), ...cacheOptions })
      .embeddings('docs', { model: model as string, dimensions })
      .keyOf('a');
  const keys = [
    key({}, 'm'),
    key({}, 'm', 9),
    key({}, 'n'),
    key({}, { id: 'm', inputType: 'query' }),
    key({}, { id: 'm', revision: '2' }),
    key({ version: 2 }, 'm'),
    key({ keyPrefix: 'other' }, 'm'),
    key({ secret: 'one' }, 'm'),
    key({ secret: 'two' }, 'm'),
  ];
  assert.is(new Set(keys).size, keys.length);
  assert.is(key({}, 'm'), key({}, { id: 'm' }));
  assert.is(key({ secret: 'one' }, 'm'), key({ secret: Buffer.from('one') }, 'm'));
});

test.run();
