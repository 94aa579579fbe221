import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { areRecords, Records, RecordsBuilder } from '../src/records.js';

const test = suite('records');

type Views = (Uint8Array | undefined)[];

const plain = (views: Views) => views.map((view) => view && Buffer.from(view).toString('hex'));
const assertHolds = (records: Records, views: Views) => {
  assert.is(records.length, views.length);
  assert.equal(plain(records.toArray()), plain(views));
  views.forEach((view, place) => {
    assert.is(records.has(place), view !== undefined);
    assert.is(records.lengthOf(place), view?.length ?? 0);
  });
};

/** Views of a few memories that they share, some of no bytes, and none. */
const memories = Array.from({ length: 4 }, (_, m) => Uint8Array.from({ length: 50 }, (_, i) => 60 * m + i));
const view = fc
  .tuple(fc.nat(3), fc.nat(50), fc.nat(50))
  .map(([m, a, b]) => (memories[m] as Uint8Array).subarray(Math.min(a, b), Math.max(a, b)));
const views = fc.array(fc.option(view, { nil: undefined }), { maxLength: 12 });

test('are what an array of views is, however they were put together and are taken apart', () => {
  fc.assert(
    fc.property(
      fc.array(views, { maxLength: 5 }),
      fc.nat(60),
      fc.nat(60),
      fc.array(fc.nat(59)),
      (parts, a, b, picked) => {
        const all = parts.flat();
        assertHolds(Records.of(all), all);
        const builder = new RecordsBuilder(2);
        for (const each of all) {
          if (each === undefined) builder.addNone();
          else builder.add(new Uint8Array(each.buffer), each.byteOffset, each.length);
        }
        assertHolds(builder.build(), all);
        const joined = Records.join(parts.map(Records.of));
        assertHolds(joined, all);
        const [start, end] = [Math.min(a, b, all.length), Math.max(a, b)];
        assertHolds(joined.slice(start, end), all.slice(start, end));
        assertHolds(
          joined.where((place) => picked.includes(place)),
          all.map((view, place) => (picked.includes(place) ? view : undefined)),
        );
        const places = picked.filter((place) => place < all.length);
        assertHolds(
          joined.pick(places),
          places.map((place) => all[place]),
        );
      },
    ),
    { numRuns: 500 },
  );
  assertHolds(Records.none(3), [undefined, undefined, undefined]);
});

test('that go on in the memory where the part before ended name it once', () => {
  const [one, two] = memories as [Uint8Array, Uint8Array];
  const part = (...of: Uint8Array[]) => {
    const builder = new RecordsBuilder(of.length);
    of.forEach((memory, i) => {
      builder.add(memory, i, 5);
    });
    return builder.build();
  };
  const joined = Records.join([part(one), part(one, two), Records.none(1), part(two, two)]);
  assert.is(joined.memories.length, 2);
  assertHolds(joined, [one.slice(0, 5), one.slice(0, 5), two.slice(1, 6), undefined, two.slice(0, 5), two.slice(1, 6)]);
});

test('of another copy of the module are records, and nothing else is', () => {
  const { memories: blocks, spans, length } = Records.of([new Uint8Array(3)]);
  assert.ok(areRecords(Records.none(0)));
  assert.ok(areRecords({ memories: blocks, spans, length }));
  for (const other of [undefined, null, [], [new Uint8Array(3)], {}, { memories: blocks, spans, length: 2 }, 'x'])
    assert.not(areRecords(other));
});

test.run();
