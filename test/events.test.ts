import diagnostics from 'node:diagnostics_channel';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { withBreaker } from '../src/backends/breaker.js';
import { HybridBackend } from '../src/backends/hybrid/hybrid.js';
import { MemoryBackend } from '../src/backends/memory/memory.js';
import { createCache } from '../src/cache/cache.js';
import { BackendError } from '../src/errors.js';
import { CHANNELS, type Events, newId } from '../src/events.js';
import { until } from '../src/testing/until.js';
import { scripted } from './support/backends.js';
import { MoodyBackend } from './support/moody-backend.js';
import { prf } from './support/prf.js';
import { rejection } from './support/rejection.js';

const test = suite('events');
const DIMENSIONS = 8;

/** Listens to everything while `work` runs. */
async function heard(work: () => Promise<unknown>): Promise<{ [Event in keyof Events]: Events[Event][] }> {
  const names = Object.keys(CHANNELS) as (keyof Events)[];
  const events = Object.fromEntries(names.map((name) => [name, [] as unknown[]])) as Record<keyof Events, unknown[]>;
  const listeners = names.map((name) => [CHANNELS[name], (event: unknown) => void events[name].push(event)] as const);
  for (const [channel, listen] of listeners) diagnostics.subscribe(channel, listen);
  try {
    await work();
  } finally {
    for (const [channel, listen] of listeners) diagnostics.unsubscribe(channel, listen);
  }
  return events as { [Event in keyof Events]: Events[Event][] };
}

test('a lookup, a call of the model, a write and a removal', async () => {
  const cache = createCache({ backend: new MemoryBackend() });
  const docs = cache.embeddings('docs', {
    model: 'm',
    dimensions: DIMENSIONS,
    embed: async (texts: string[], { usage }) => {
      usage(10 * texts.length);
      return texts.map((text) => prf(text, DIMENSIONS));
    },
  });
  const { lookup, model, write, failure } = await heard(async () => {
    await docs.embed(['a', 'b', 'a']);
    await docs.getMany(['a', 'none']);
    await docs.delete('a');
    await cache.clear('docs');
  });
  assert.equal(
    lookup.map(({ namespace, outcomes }) => [namespace, outcomes]),
    [
      ['docs', ['miss', 'miss']],
      ['docs', ['hit', 'miss']],
    ],
  );
  assert.equal(lookup[0]?.keys, [docs.keyOf('a'), docs.keyOf('b')]);
  assert.ok((lookup[1]?.bytes ?? 0) > 0 && (lookup[1]?.durationMs ?? -1) >= 0);
  assert.equal(
    model.map(({ durationMs, ...rest }) => rest),
    [{ namespace: 'docs', model: 'm', inputs: 2, tokens: 20, ok: true }],
  );
  assert.equal(
    write.map(({ namespace, operation, entries, ok }) => [namespace, operation, entries, ok]),
    [
      ['docs', 'set', 2, true],
      ['docs', 'delete', 1, true],
      ['docs', 'clear', 1, true],
    ],
  );
  assert.ok((write[0]?.bytes ?? 0) > 0);
  assert.equal(failure, []);
  assert.not.match(JSON.stringify([lookup, model, write]), /none/, 'no text');
});

test('failures, breakers that open and close, a model that fails', async () => {
  let isDown = true;
  const backend = scripted({
    getMany: async (keys) => {
      if (isDown) throw new BackendError('down');
      return keys.map(() => undefined);
    },
  });
  const cache = createCache({ backend });
  const docs = cache.embeddings('docs', {
    model: { id: 'm' },
    dimensions: DIMENSIONS,
    embed: async () => Promise.reject(new Error('no')),
  });
  const { breaker, failure, model, write } = await heard(async () => {
    for (let round = 0; round < 4; round += 1) await docs.getMany(['a']);
    await docs.embed(['a']).catch(() => {});
    isDown = false;
    await until('the breaker closes', async () => {
      const { errors } = cache.stats().docs as { errors: number };
      await docs.getMany(['a']);
      return cache.stats().docs?.errors === errors;
    });
  });
  const id = breaker[0]?.id;
  assert.type(id, 'number');
  assert.equal(breaker, [
    { id, what: 'reads', state: 'open' },
    { id, what: 'reads', state: 'closed' },
  ]);
  assert.equal(failure[0], { namespace: 'docs', operation: 'read', error: 'down' });
  assert.equal(
    model.map(({ ok, tokens }) => [ok, tokens]),
    [[false, undefined]],
  );
  assert.equal(write, []);
});

test('tiers and the queue between them', async () => {
  const l2 = scripted();
  const backend = new HybridBackend(new MemoryBackend(), l2, { writeBehind: true });
  const entry = (key: string) => ({ key, value: new Uint8Array(3) });
  await l2.setMany([entry('far')]);
  const { tiers, queue } = await heard(async () => {
    await backend.setMany([entry('near')]);
    await until('it is written', () => backend.writeBehind?.written === 1);
    await backend.getMany(['near', 'far', 'none']);
    await backend.getMany(['near']);
  });
  assert.equal(tiers, [
    { keys: 3, l1: 1, queued: 0, l2: 1 },
    { keys: 1, l1: 1, queued: 0, l2: 0 },
  ]);
  assert.equal(
    queue.map(({ queued, written, maxBytes, closed }) => [queued, written, maxBytes, closed]),
    [
      [1, 0, 32 * 2 ** 20, false],
      [0, 1, 32 * 2 ** 20, false],
    ],
  );
});

test('queues are told apart, and say how much they take and that they are closed', async () => {
  const open = () => new HybridBackend(new MemoryBackend(), new MemoryBackend(), { writeBehind: { maxBytes: 1000 } });
  const queues = [open(), open()];
  const { queue } = await heard(() => Promise.all(queues.map((backend) => backend.close())));
  assert.is(new Set(queue.map(({ id }) => id)).size, 2);
  assert.equal(
    queue.map(({ closed, maxBytes, queued }) => [closed, maxBytes, queued]),
    [
      [true, 1000, 0],
      [true, 1000, 0],
    ],
  );
});

test('an id is unique in a process that holds the module twice', async () => {
  const copy: string = '../src/events.js?copy';
  const other = (await import(copy)) as typeof import('../src/events.js');
  assert.is.not(other.newId, newId);
  const first = newId();
  assert.equal([other.newId(), newId()], [first + 1, first + 2]);
});

test('a breaker that is open ends with its backend, and tells nothing after that', async () => {
  const far = new MoodyBackend();
  const backend = new HybridBackend(new MemoryBackend(), far);
  far.mood = 'fails';
  const { breaker } = await heard(async () => {
    for (let round = 0; round < 4; round += 1) await rejection(backend.getMany(['a']));
    for (let round = 0; round < 4; round += 1)
      await rejection(backend.setMany([{ key: 'a', value: new Uint8Array(1) }]));
    await backend.close();
  });
  assert.equal(
    breaker.map(({ what, state }) => [what, state]),
    [
      ['reads', 'open'],
      ['writes', 'open'],
      ['reads', 'ended'],
      ['writes', 'ended'],
    ],
  );
  const closed = withBreaker(far);
  await closed.close();
  const after = await heard(async () => {
    for (let round = 0; round < 3; round += 1) await rejection(closed.getMany(['a']));
  });
  assert.equal(after.breaker, []);
});

test.run();
