import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { HybridBackend } from '../../src/backends/hybrid/hybrid.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { createCache } from '../../src/cache/cache.js';
import { until } from '../../src/testing/until.js';
import { scripted } from '../support/backends.js';
import { deferred, testModel } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';
import { startRedis } from '../support/redis-server.js';

const test = suite('removals while values are computed');
const DIMENSIONS = 8;
const server = await startRedis();
const keyPrefix = `removals-${process.pid}-${Date.now()}`;

test('a value that was computed before its key was deleted is not stored, and nobody who asks later gets it', async () => {
  const cache = createCache({ backend: new MemoryBackend() });
  const values = cache.values<number>('v');
  for (const remove of [() => values.delete('a'), () => values.clear(), () => cache.clear(), () => cache.clear('v')]) {
    const gates = [deferred(), deferred()];
    let computing = 0;
    const compute = (gate: number, value: number) =>
      values.getOrCompute('a', async () => {
        computing += 1;
        await gates[gate]?.promise;
        return value;
      });
    const early = compute(0, 1);
    await until('it computes', () => computing === 1);
    await remove();
    const late = compute(1, 2);
    gates[0]?.resolve();
    assert.is(await early, 1, 'who asked before gets what there was');
    assert.is(await values.get('a'), undefined);
    gates[1]?.resolve();
    assert.is(await late, 2);
    assert.is(await values.get('a'), 2);
    await values.clear();
  }
});

test('a batch of embeddings stores what was not deleted meanwhile', async () => {
  const gate = deferred();
  const model = testModel(DIMENSIONS, () => gate.promise);
  const cache = createCache({ backend: new MemoryBackend() });
  const docs = cache.embeddings('docs', { model: 'm', dimensions: DIMENSIONS, embed: model.embed });
  const texts = ['a', 'b', 'c', 'd'];
  const embedding = docs.embed(texts);
  await until('the model is asked', () => model.calls.length === 1);
  await docs.deleteMany(['b', 'd']);
  gate.resolve();
  const expected = texts.map((text) => bytesOf(prf(text, DIMENSIONS)));
  assert.equal((await embedding).map(bytesOf), expected);
  const stored = await docs.getMany(texts);
  assert.equal(
    stored.map((vector) => vector && bytesOf(vector)),
    [expected[0], undefined, expected[2], undefined],
  );
  assert.is(cache.stats().docs?.fills, 4);
});

test('a removal waits for a write of its key that is under way: not every store keeps the order', async () => {
  const gate = deferred();
  const order: string[] = [];
  let isWriting = false;
  const backend = scripted({
    async setMany() {
      isWriting = true;
      await gate.promise;
      order.push('written');
    },
    async deleteMany() {
      order.push('deleted');
      return 1;
    },
  });
  const values = createCache({ backend }).values<number>('v');
  const writing = values.set('a', 1);
  await until('it writes', () => isWriting);
  const deleting = values.delete('a');
  const other = values.delete('b');
  await other;
  assert.equal(order, ['deleted'], 'another key waits for nothing');
  gate.resolve();
  await Promise.all([writing, deleting]);
  assert.equal(order, ['deleted', 'written', 'deleted']);
});

test('the same across processes: what another instance deletes is not stored by who was computing it', async () => {
  const open = () =>
    createCache({ backend: new HybridBackend(new MemoryBackend(), new RedisBackend(server.url)), keyPrefix });
  const [one, other] = [open(), open()];
  const [values, others] = [one.values<number>('v'), other.values<number>('v')];
  for (const cache of [one, other]) {
    await until('it hears', async () => (await cache.health()).detail === undefined);
  }
  const gate = deferred();
  let isComputing = false;
  const early = values.getOrCompute('a', async () => {
    isComputing = true;
    await gate.promise;
    return 1;
  });
  await until('it computes', () => isComputing);
  assert.is(await others.delete('a'), false);
  gate.resolve();
  assert.is(await early, 1);
  assert.is(await others.get('a'), undefined);
  assert.is(await values.get('a'), undefined);

  await values.set('b', 1);
  assert.is(await others.get('b'), 1);
  await values.set('b', 2);
  await until('the overwrite is heard', async () => (await others.get('b')) === 2);
  assert.ok(await values.delete('b'));
  assert.is(await others.get('b'), undefined, 'at once');
  await others.set('c', 3);
  assert.is(await values.get('c'), 3);
  assert.is(await other.clear('v'), 1);
  assert.is(await values.get('c'), undefined, 'at once');
  await Promise.all([one.close(), other.close()]);
});

test.after(() => server.stop());
test.run();
