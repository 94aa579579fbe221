import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { CHANNELS, type LookupEvent } from '../../src/events.js';
import { createValueCodec } from '../../src/values/codec.js';
import { scripted } from '../support/backends.js';
import { testModel } from '../support/models.js';
import { MODE } from '../support/modes.js';
import { bytesOf, prf } from '../support/prf.js';
import { readRecord, writeRecord } from '../support/records.js';

const DIMENSIONS = 8;

/** The outcomes of the lookups that `work` makes. */
async function outcomesOf(work: () => Promise<unknown>): Promise<string[]> {
  const outcomes: string[] = [];
  const listen = (event: unknown) => void outcomes.push(...(event as LookupEvent).outcomes);
  subscribe(CHANNELS.lookup, listen);
  try {
    await work();
  } finally {
    unsubscribe(CHANNELS.lookup, listen);
  }
  return outcomes;
}

test('a vector record of a newer format, or of a mode that is not known, is unsupported: a miss, and not corrupt', async () => {
  const memory = new MemoryBackend();
  const cache = createCache({ backend: memory, readTimeout: 10_000 });
  const { embed } = testModel(DIMENSIONS);
  const docs = cache.embeddings('docs', { model: 'm', dimensions: DIMENSIONS, embed });
  const texts = ['format', 'mode', 'damaged', 'sound'];
  await docs.embed(texts);
  const [format, mode, damaged] = texts.map((text) => docs.keyOf(text)) as [string, string, string];
  const records = (await memory.getMany([format, mode, damaged])) as [Uint8Array, Uint8Array, Uint8Array];
  // A value's record has a valid checksum under this key and a mode that no reader of vectors knows.
  const [foreign] = createValueCodec().encodeMany([mode], ['seven b']) as [Uint8Array];
  await memory.setMany([
    { key: format, value: records[0].map((byte, i) => (i === 1 ? 2 : byte)) },
    { key: mode, value: foreign },
    { key: damaged, value: records[2].map((byte, i) => (i === 30 ? byte ^ 1 : byte)) },
  ]);
  let found: (Float32Array | undefined)[] = [];
  const outcomes = await outcomesOf(async () => {
    found = await docs.getMany(texts);
  });
  assert.equal(outcomes, ['unsupported', 'unsupported', 'corrupt', 'hit']);
  assert.equal(found.slice(0, 3), [undefined, undefined, undefined]);
  assert.equal(bytesOf(found[3] as Float32Array), bytesOf(prf('sound', DIMENSIONS)));
  await docs.getMatrix(texts);
  const { hits, misses, corrupt, unsupported } = cache.stats().docs as NonNullable<
    ReturnType<typeof cache.stats>[string]
  >;
  assert.equal({ hits, misses, corrupt, unsupported }, { hits: 2, misses: 4 + 6, corrupt: 2, unsupported: 4 });
  assert.equal(
    (await docs.embed(texts)).map(bytesOf),
    texts.map((text) => bytesOf(prf(text, DIMENSIONS))),
  );
});

test('a value whose dictionary a reader has not is unsupported, by every way to read it', async () => {
  let key = '';
  const memory = new MemoryBackend();
  const backend = scripted({
    getMany: (keys) => memory.getMany(keys),
    setMany: async (entries) => {
      key = entries[0]?.key ?? key;
      await memory.setMany(entries);
    },
  });
  const cache = createCache({ backend, readTimeout: 10_000 });
  const text = 'the quick brown fox jumps over the lazy dog, again and again';
  const values = cache.values<unknown>('v', { dictionary: new TextEncoder().encode(text.repeat(4)) });
  await values.set('a', { text: text.repeat(3) });
  const [record] = (await memory.getMany([key])) as [Uint8Array];
  const { mode, number, payload } = readRecord(key, record);
  assert.is(mode, MODE.valueDictionary);
  // The payload begins with the dictionary's hash.
  const unknown = writeRecord(
    key,
    mode,
    number,
    payload.map((byte, i) => (i === 0 ? byte ^ 1 : byte)),
  );
  await memory.setMany([{ key, value: unknown }]);
  assert.is(await values.get('a'), undefined);
  assert.is(await values.getOrCompute('a', () => 'computed'), 'computed');
  const stats = cache.stats().v;
  assert.equal(
    { misses: stats?.misses, corrupt: stats?.corrupt, unsupported: stats?.unsupported },
    { misses: 2, corrupt: 0, unsupported: 2 },
  );
});

test.run();
