import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { seeded } from '../../bench/vectors.js';
import { affects, type Change, splitChange } from '../../src/backends/change.js';
import { type OpenChange, WriteTracker } from '../../src/backends/write-tracker.js';

import { used } from '../support/heap.js';

const test = suite('what was changed while something else was under way');

test('agrees with a list of everything that happened, whatever writes', async () => {
  const keys = ['a:1', 'a:2', 'b:1', 'b:2'];
  for (let seed = 1; seed <= 300; seed += 1) {
    const chance = seeded(seed);
    const pick = <T>(items: readonly T[]) => items[Math.floor(chance() * items.length)] as T;
    const writes = new WriteTracker();
    const log: { change: Change; from: number; to: number; isRemoval: boolean }[] = [];
    const changes: { open: OpenChange; entry: (typeof log)[number] }[] = [];
    const reads: { from: number; wasChanged: (key: string) => boolean; end: () => void }[] = [];
    let now = 0;
    for (let step = 0; step < 60; step += 1) {
      now += 1;
      const what = chance();
      if (what < 0.3) {
        const change = chance() < 0.3 ? { prefix: pick(['a:', 'b:', '']) } : { keys: [pick(keys), pick(keys)] };
        const isRemoval = chance() < 0.5;
        const entry = { change, from: now, to: Number.POSITIVE_INFINITY, isRemoval };
        log.push(entry);
        changes.push({ open: writes.begin(change, isRemoval), entry });
      } else if (what < 0.5 && changes.length > 0) {
        const [ended] = changes.splice(Math.floor(chance() * changes.length), 1);
        ended?.open.end();
        if (ended) ended.entry.to = now;
      } else if (what < 0.7) {
        let end = () => {};
        const over = new Promise<void>((resolve) => {
          end = resolve;
        });
        void writes.read(async (wasChanged) => {
          reads.push({ from: now, wasChanged, end });
          await over;
        });
      } else if (reads.length > 0) {
        reads.splice(Math.floor(chance() * reads.length), 1)[0]?.end();
        await new Promise((resolve) => setImmediate(resolve));
      }
      for (const key of keys) {
        for (const { from, wasChanged } of reads) {
          const expected = log.some(({ change, to }) => affects(change)(key) && to > from);
          assert.is(wasChanged(key), expected, `seed ${seed}, step ${step}: a read of ${key}`);
        }
        for (const { open, entry } of changes) {
          if ('prefix' in entry.change || !entry.change.keys.includes(key)) continue;
          const others = log.filter((one) => one !== entry && affects(one.change)(key));
          const changed = others.some(({ from, to }) => from > entry.from || to > entry.from);
          assert.is(open.wasChanged(key), changed, `seed ${seed}, step ${step}: a change of ${key}`);
          const removed = others.some(({ from, isRemoval }) => isRemoval && from > entry.from);
          assert.is(open.wasRemoved(key), removed, `seed ${seed}, step ${step}: removed, for a change of ${key}`);
        }
      }
    }
    for (const { open } of changes) open.end();
    for (const { end } of reads) end();
    await new Promise((resolve) => setImmediate(resolve));
    assert.is(writes.size, 0, 'nothing is remembered for nobody');
  }
});

test('many prefixes count as one change of everything, rather than being looked through for each key', async () => {
  const writes = new WriteTracker();
  await writes.read(async (wasChanged) => {
    for (let index = 0; index < 1000; index += 1) await writes.write({ prefix: `p${index}:` }, async () => {});
    assert.ok(wasChanged('p999:a'));
    assert.ok(wasChanged('p1:a'));
  });
});

test('what is remembered of changes is what the oldest under way can ask for', async () => {
  const writes = new WriteTracker();
  const write = (key: string) => writes.write({ keys: [key] }, async () => {});
  await writes.read(async () => {
    for (let index = 0; index < 100; index += 1) await write(`k${index}`);
    assert.is(writes.size, 100);
    await writes.read(async (wasChanged) => assert.not.ok(wasChanged('k1')));
  });
  assert.is(writes.size, 0);
  await write('a');
  assert.is(writes.size, 0);
});

test('a change is split by the characters of its keys', () => {
  assert.equal(splitChange({ prefix: 'a' }, 1), [{ prefix: 'a' }]);
  assert.equal(splitChange({ keys: [] }, 4), []);
  const parts = splitChange({ keys: ['ab', 'cd', 'e', 'longer', 'f'] }, 4);
  assert.equal(parts, [{ keys: ['ab', 'cd'] }, { keys: ['e'] }, { keys: ['longer'] }, { keys: ['f'] }]);
});

test('what never ends keeps nothing of what began later and has ended', () => {
  const writes = new WriteTracker();
  const first = writes.observe();
  const before = used();
  for (let i = 0; i < 100_000; i++) writes.observe().end();
  const bytes = used() - before;
  assert.ok(bytes < 2 ** 20, `${bytes} bytes`);
  writes.begin({ keys: ['a'] }).end();
  assert.ok(first.wasChanged('a'));
  first.end();
  assert.is(writes.size, 0);
});

test.run();
