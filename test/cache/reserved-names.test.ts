import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { deferred } from '../support/models.js';

// The cache's own leases lie in the same store as everybody's entries.
for (const name of ['leases', 'locks', 'v1', 'docs', undefined]) {
  test(`clearing ${name === undefined ? 'everything' : `a namespace called ${name}`} ends and counts no lease`, async () => {
    const backend = new MemoryBackend();
    const [one, other] = [createCache({ backend }), createCache({ backend })];
    const values = one.values<number>(name ?? 'docs');
    await values.set('flat 7', 900);
    const gate = deferred();
    const job = one.exclusively('nightly', async () => {
      await gate.promise;
      return 'done';
    });
    assert.is(await (name === undefined ? one.clear() : values.clear()), 1);
    assert.is(await other.exclusively('nightly', async () => 'twice'), undefined);
    gate.resolve();
    assert.is(await job, 'done');
    assert.is(await other.exclusively('nightly', async () => 'later'), 'later');
  });
}

test.run();
