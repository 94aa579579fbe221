import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createCache } from '../../src/cache/cache.js';
import { InvalidInputError, InvalidOptionError } from '../../src/errors.js';
import { createValueCodec } from '../../src/values/codec.js';
import { trainDictionary } from '../../src/values/train.js';
import type { Golden } from '../golden/make.js';
import { assets } from '../support/assets.js';
import { scripted } from '../support/backends.js';
import { engines, nativeMissing, pairs } from '../support/engines.js';
import { MODE } from '../support/modes.js';
import { reasonOf } from '../support/reason.js';
import { readRecord, writeRecord } from '../support/records.js';

const test = suite('dictionaries');

const golden: Golden = JSON.parse(readFileSync(new URL('../golden/format-1.json', import.meta.url), 'utf8'));
/** One that was trained once: only the native engine trains. */
const TRAINED = Buffer.from(
  golden.values.find(({ mode }) => mode === 'value, dictionary')?.dictionary as string,
  'hex',
);
/** Bytes that resemble the values, and were never trained. */
const RESEMBLING = Buffer.from(JSON.stringify(assets(0, 3)));

const VALUES = assets(5000, 200);
const KEYS = VALUES.map((_, i) => `key ${i}`);
const bytesOf = (records: Uint8Array[]) => records.reduce((sum, { length }) => sum + length, 0);

for (const [writer, reader] of pairs) {
  for (const [name, dictionary] of Object.entries({ trained: TRAINED, resembling: RESEMBLING })) {
    test(`${writer} writes, ${reader} reads, ${name}`, () => {
      const records = createValueCodec({ engine: writer, dictionary }).encodeMany(KEYS, VALUES);
      assert.ok(records.some((record) => record[2] === MODE.valueDictionary));
      assert.equal(createValueCodec({ engine: reader, dictionary }).decodeMany(KEYS, records), VALUES);
    });
  }

  test(`${writer} writes, ${reader} reads: any values, related to the dictionary or not`, () => {
    const codecs = [writer, reader].map((engine) => createValueCodec({ engine, dictionary: TRAINED }));
    const uncompressed = createValueCodec({ engine: writer, compression: 'none' });
    fc.assert(
      fc.property(fc.array(fc.jsonValue(), { maxLength: 5 }), (values) => {
        const keys = values.map((_, i) => `${i}`);
        const records = codecs[0]?.encodeMany(keys, values) ?? [];
        const plain = uncompressed.encodeMany(keys, values);
        assert.ok(records.every(({ length }, i) => length <= (plain[i] as Uint8Array).length));
        assert.equal(codecs[1]?.decodeMany(keys, records), uncompressed.decodeMany(keys, plain));
      }),
    );
  });
}

for (const engine of engines) {
  test(`${engine}: values that have much in common take half of what zstd alone makes of them`, () => {
    const plain = bytesOf(createValueCodec({ engine }).encodeMany(KEYS, VALUES));
    const small = bytesOf(createValueCodec({ engine, dictionary: TRAINED }).encodeMany(KEYS, VALUES));
    assert.ok(small < plain / 2, `${small} and ${plain} bytes`);
  });

  test(`${engine}: records without a dictionary, and with one that was given up, are still read`, () => {
    const older = createValueCodec({ engine }).encodeMany(KEYS, VALUES);
    const old = createValueCodec({ engine, dictionary: RESEMBLING }).encodeMany(KEYS, VALUES);
    const now = createValueCodec({ engine, dictionary: [TRAINED, RESEMBLING] });
    assert.equal(now.decodeMany(KEYS, older), VALUES);
    assert.equal(now.decodeMany(KEYS, old), VALUES);
    assert.equal(
      bytesOf(now.encodeMany(KEYS, VALUES)),
      bytesOf(createValueCodec({ engine, dictionary: TRAINED }).encodeMany(KEYS, VALUES)),
    );
  });

  test(`${engine}: a payload that is not what it says`, () => {
    const codec = createValueCodec({ engine, dictionary: TRAINED });
    const [record] = codec.encodeMany(['k'], [VALUES[0]]) as [Uint8Array];
    const { payload, number: length } = readRecord('k', record);
    const reason = (bytes: Uint8Array, promised = length) =>
      reasonOf(() => codec.decodeOne('k', writeRecord('k', MODE.valueDictionary, promised, bytes)));
    assert.is(reason(payload), 'ok');
    for (let cut = 0; cut < payload.length; cut++)
      assert.is(reason(payload.subarray(0, cut)), 'payload', `cut to ${cut}`);
    for (const promised of [length - 1, length + 1, 16 * 1024 * 1024]) assert.is(reason(payload, promised), 'payload');
    assert.is(reason(Buffer.concat([payload, payload.subarray(4)])), 'payload', 'two frames');
    for (let bit = 0; bit < 32; bit++) {
      const unknown = payload.slice();
      unknown[bit >> 3] = (unknown[bit >> 3] as number) ^ (1 << (bit & 7));
      assert.is(reason(unknown), 'unsupported', 'a dictionary that nobody has');
    }
  });

  test(`${engine}: what is no dictionary`, () => {
    const broken = TRAINED.subarray().map((byte, i) => (i >= 8 && i < 64 ? 0xff : byte));
    const wrong: unknown[] = [
      new Uint8Array(7),
      new Uint8Array(1024 * 1024 + 1),
      broken,
      'text',
      [TRAINED, 5],
      5,
      null,
    ];
    for (const dictionary of wrong) {
      assert.throws(
        () => createValueCodec({ engine, dictionary: dictionary as Uint8Array }),
        (error: unknown) => error instanceof InvalidOptionError && error.option.startsWith('dictionary'),
      );
    }
    for (const compression of ['lz4', 'none'] as const) {
      assert.throws(
        () => createValueCodec({ engine, compression, dictionary: TRAINED }),
        (error: unknown) => error instanceof InvalidOptionError && error.option === 'dictionary',
      );
    }
    for (const dictionary of [new Uint8Array(8), new Uint8Array(1024 * 1024), []]) {
      const codec = createValueCodec({ engine, dictionary });
      assert.equal(codec.decodeMany(KEYS, codec.encodeMany(KEYS, VALUES)), VALUES);
    }
  });
}

test('the bytes of a dictionary may change once it was given', () => {
  for (const engine of engines) {
    const given = Buffer.from(JSON.stringify(assets(10, 3)));
    const codec = createValueCodec({ engine, dictionary: given });
    given.fill(0);
    assert.equal(codec.decodeMany(KEYS, codec.encodeMany(KEYS, VALUES)), VALUES);
  }
});

test('a namespace of a cache', async () => {
  const backend = scripted();
  const cache = createCache({ backend });
  const values = cache.values('assets', { dictionary: TRAINED });
  await values.setMany(VALUES.map((value, i) => [KEYS[i] as string, value]));
  assert.equal(await values.getMany(KEYS), VALUES);
  assert.ok((cache.stats().assets?.bytesWritten ?? Number.POSITIVE_INFINITY) < 100 * VALUES.length);
});

if (nativeMissing === undefined) {
  test('training: no more bytes than asked for, and never seen values shrink', () => {
    const samples = assets(0, 1000);
    const plain = bytesOf(createValueCodec().encodeMany(KEYS, VALUES));
    for (const bytes of [256, 1024, 16_384]) {
      const dictionary = trainDictionary(samples, { bytes });
      assert.instance(dictionary, Uint8Array);
      assert.ok(dictionary.length <= bytes);
      assert.ok(bytesOf(createValueCodec({ dictionary }).encodeMany(KEYS, VALUES)) < 0.9 * plain, `${bytes} bytes`);
    }
    assert.equal(trainDictionary(samples), trainDictionary(samples, { bytes: 16_384 }));
  });

  test('training: too few values, none that can be stored, options that are none', () => {
    for (const values of [[], [VALUES[0]], ['a', 'b', 'c']]) {
      assert.throws(
        () => trainDictionary(values),
        (error: unknown) => error instanceof InvalidInputError && error.field === 'values',
      );
    }
    assert.throws(
      () => trainDictionary([...VALUES, undefined]),
      (error: unknown) => error instanceof InvalidInputError && error.field === 'values[200]',
    );
    for (const options of [{ bytes: 255 }, { bytes: 2 ** 20 + 1 }, { bytes: 1.5 }, { size: 1024 }]) {
      assert.throws(
        () => trainDictionary(VALUES, options),
        (error: unknown) => error instanceof InvalidOptionError,
      );
    }
  });
}

test.run();
