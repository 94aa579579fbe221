import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { ReadContext } from '../../src/backends/backend.js';
import { createCache } from '../../src/cache/cache.js';
import { RecordSpans } from '../../src/record-spans.js';
import { scripted } from '../support/backends.js';
import { engines } from '../support/engines.js';
import { forgedRecords, withOwn } from '../support/forged-records.js';
import { testModel } from '../support/models.js';
import { bytesOf, prf } from '../support/prf.js';

// A backend that answers with what is no answer costs misses: it fails nothing, and nothing outside of its memory is read.
const test = suite('lying backends');
const DIMENSIONS = 16;
const TEXTS = ['a', 'b', 'c'];
const NONE = 0xffffffff;

type Views = (Uint8Array | undefined)[];

const forged = (buffers: unknown, ...spans: number[]) => forgedRecords(buffers, spans);
const block = () => new Uint8Array(100).fill(0x95);

const detached = (view: Uint8Array) => {
  const copy = new Uint8Array(view);
  structuredClone(copy.buffer, { transfer: [copy.buffer] });
  return copy;
};

const LIES: Record<string, (sound: Views) => unknown> = {
  'spans far outside': () => forged([block()], 0, NONE, NONE, 0, 90, 11, 0, 2 ** 31, 2 ** 31),
  'a memory that is not there': () => forged([block()], 7, 0, 10, 7, 0, 10, 7, 0, 10),
  'records that are none, with a length': () => forged([block()], NONE, 5, 9, NONE, 5, 9, NONE, 5, 9),
  'a length that is not theirs': (sound) => withOwn(RecordSpans.of(sound), { length: 1000 }),
  'a length that is not theirs, that was': (sound) => withOwn(RecordSpans.of(sound.slice(1)), { length: sound.length }),
  'spans put over sound ones': (sound) =>
    withOwn(RecordSpans.of(sound), { spans: Uint32Array.of(0, 0, 2 ** 31, 0, 0, 0, 0, 0, 0) }),
  'spans that were sound once': (sound) => {
    const records = RecordSpans.of(sound);
    records.spans.fill(2 ** 31);
    return records;
  },
  'buffers that were sound once': (sound) => {
    const records = RecordSpans.of(sound);
    (records.buffers as unknown[]).fill({ length: 1e9, byteOffset: 0 });
    return records;
  },
  'getters that throw': () =>
    new Proxy(RecordSpans.none(3), {
      get() {
        throw new Error('no');
      },
    }),
  'buffers that are none': () => forged([{ length: 1e9, byteOffset: 0 }], 0, 0, 10, 0, 0, 10, 0, 0, 10),
  'views of what was detached': (sound) => sound.map((view) => view && detached(view)),
  'views that lie about their place': (sound) =>
    sound.map((view) => view && Object.defineProperty(new Uint8Array(view), 'byteOffset', { value: 2 ** 31 })),
  'views that lie about their length': (sound) =>
    sound.map((view) => view && Object.defineProperty(new Uint8Array(view), 'length', { value: 2 ** 31 })),
  'an array whose elements throw': () =>
    Object.defineProperty([undefined, undefined, undefined], 1, {
      get() {
        throw new Error('no');
      },
    }),
  'fewer records': (sound) => sound.slice(1),
  'a promise of a promise of nothing': () => Promise.resolve(undefined),
  text: () => 'abc',
};

for (const engine of engines) {
  const open = (replace: Parameters<typeof scripted>[0]) => {
    process.env.VECSTASH_NATIVE = engine === 'native' ? 'require' : 'off';
    try {
      const model = testModel(DIMENSIONS);
      const cache = createCache({ backend: scripted(replace) });
      return {
        cache,
        model,
        embeddings: cache.embeddings('docs', { model: 'm', dimensions: DIMENSIONS, embed: model.embed }),
      };
    } finally {
      delete process.env.VECSTASH_NATIVE;
    }
  };
  const right = async ({ embeddings }: ReturnType<typeof open>) => {
    assert.equal(
      (await embeddings.embed(TEXTS)).map(bytesOf),
      TEXTS.map((text) => bytesOf(prf(text, DIMENSIONS))),
    );
    await embeddings.getMany(TEXTS);
    await embeddings.getMatrix(TEXTS);
    await embeddings.has('a');
  };
  /** The store's true answer. */
  const truth = async (backend: unknown, keys: readonly string[]) => {
    const { getMany } = Object.getPrototypeOf(backend) as { getMany(keys: readonly string[]): Promise<Views> };
    return getMany.call(backend, keys);
  };

  for (const [name, lie] of Object.entries(LIES)) {
    test(`${engine}: answers with ${name}`, async () => {
      let lies = 0;
      const it = open({
        async getMany(keys) {
          lies++;
          return lie(await truth(this, keys)) as Views;
        },
      });
      await it.embeddings.setMany(TEXTS.map((text) => [text, prf(text, DIMENSIONS)]));
      await right(it);
      assert.ok(lies > 0);
    });

    test(`${engine}: tells beforehand of ${name}`, async () => {
      const it = open({
        async getMany(keys, context?: ReadContext) {
          const sound = await truth(this, keys);
          context?.onPart?.(0, lie(sound) as RecordSpans);
          context?.onPart?.(Number.NaN, RecordSpans.of(sound));
          await new Promise((resolve) => setImmediate(resolve));
          return sound;
        },
      });
      await it.embeddings.setMany(TEXTS.map((text) => [text, prf(text, DIMENSIONS)]));
      assert.equal(
        (await it.embeddings.embed(TEXTS)).map(bytesOf),
        TEXTS.map((text) => bytesOf(prf(text, DIMENSIONS))),
      );
      assert.equal(it.model.calls, []);
    });
  }

  test(`${engine}: detaches what it told of before it is decoded`, async () => {
    const it = open({
      async getMany(keys, context?: ReadContext) {
        const sound = await truth(this, keys);
        const copies = sound.map((view) => view && new Uint8Array(view));
        context?.onPart?.(0, RecordSpans.of(copies));
        for (const copy of copies) if (copy) structuredClone(copy.buffer, { transfer: [copy.buffer] });
        await new Promise((resolve) => setImmediate(resolve));
        return sound;
      },
    });
    await it.embeddings.setMany(TEXTS.map((text) => [text, prf(text, DIMENSIONS)]));
    assert.equal(
      (await it.embeddings.embed(TEXTS)).map(bytesOf),
      TEXTS.map((text) => bytesOf(prf(text, DIMENSIONS))),
    );
    assert.equal(it.model.calls, []);
  });

  test(`${engine}: shared memory is as good as any`, async () => {
    const it = open({
      async getMany(keys) {
        return (await truth(this, keys)).map((view) => {
          if (view === undefined) return undefined;
          const shared = new Uint8Array(new SharedArrayBuffer(view.length));
          shared.set(view);
          return shared;
        });
      },
    });
    await it.embeddings.setMany(TEXTS.map((text) => [text, prf(text, DIMENSIONS)]));
    assert.equal(
      (await it.embeddings.embed(TEXTS)).map(bytesOf),
      TEXTS.map((text) => bytesOf(prf(text, DIMENSIONS))),
    );
    assert.equal(it.model.calls, []);
  });
}

test.run();
