import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { createVectorCodec } from '../../src/codec/vectors.js';
import { engines } from '../support/engines.js';
import { bytesOf, prf } from '../support/prf.js';

const test = suite('slices');
const DIMENSIONS = 768;
const COUNT = 5000;
const keys = Array.from({ length: COUNT }, (_, i) => `key ${i}`);
const distinct = Array.from({ length: 50 }, (_, i) => prf(`text ${i}`, DIMENSIONS));
const vectors = keys.map((_, i) => distinct[i % distinct.length] as Float32Array);

/** What `work` gives, and how often others had the thread meanwhile. */
async function withInterruptions<T>(work: Promise<T>): Promise<[T, number]> {
  let interruptions = 0;
  let isDone = false;
  const count = () => {
    interruptions++;
    if (!isDone) setImmediate(count);
  };
  setImmediate(count);
  try {
    return [await work, interruptions];
  } finally {
    isDone = true;
  }
}

for (const engine of engines) {
  const codec = createVectorCodec({ dimensions: DIMENSIONS, engine });

  test(`${engine}: large batches come out as small ones do, with misses and damage in place, and others have the thread between`, async () => {
    assert.ok(codec.encodesInSlices(COUNT));
    const [records, whileEncoding] = await withInterruptions(codec.encodeManyLater(keys, vectors));
    assert.ok(whileEncoding >= 2, `${whileEncoding} interruptions`);
    assert.is(records.length, COUNT);

    const given: (Uint8Array | undefined)[] = records.slice();
    const damaged = (records[4321] as Uint8Array).slice();
    damaged[99] = (damaged[99] as number) ^ 1;
    [given[0], given[1500], given[4321]] = [undefined, undefined, damaged];
    const isSound = (i: number) => ![0, 1500, 4321].includes(i);

    const refused: unknown[] = [];
    const onRefused = (...refusal: unknown[]) => refused.push(refusal);
    const [decoded, whileDecoding] = await withInterruptions(codec.decodeManyLater(keys, given, onRefused));
    assert.ok(whileDecoding >= 2, `${whileDecoding} interruptions`);
    for (let i = 0; i < COUNT; i++)
      assert.is(bytesOf(decoded[i]), isSound(i) ? bytesOf(vectors[i]) : 'no vector', `vector ${i}`);

    const [{ data, found }] = await withInterruptions(codec.decodeMatrixLater(keys, given, onRefused));
    for (let i = 0; i < COUNT; i++) {
      const row = data.subarray(i * DIMENSIONS, (i + 1) * DIMENSIONS);
      assert.is(found[i], isSound(i) ? 1 : 0);
      assert.is(bytesOf(row), bytesOf(isSound(i) ? vectors[i] : new Float32Array(DIMENSIONS)), `row ${i}`);
    }
    assert.equal(refused, [
      [4321, 'checksum'],
      [4321, 'checksum'],
    ]);
  });

  test(`${engine}: several large batches at once do not mix`, async () => {
    const records = await codec.encodeManyLater(keys, vectors);
    const reversed = [...keys].reverse();
    const [forwards, backwards] = await Promise.all([
      codec.decodeManyLater(keys, records),
      codec.decodeManyLater(reversed, [...records].reverse()),
    ]);
    for (let i = 0; i < COUNT; i++) {
      assert.is(bytesOf(forwards[i]), bytesOf(vectors[i]));
      assert.is(bytesOf(backwards[i]), bytesOf(vectors[COUNT - 1 - i]));
    }
  });
}

test.run();
