import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { Records, RecordsBuilder, recordsFrom } from '../src/records.js';

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

test('of another copy of the module are taken where they are sound, and nothing else is', () => {
  const { memories: blocks, spans } = Records.of([new Uint8Array(3), undefined, new Uint8Array(0)]);
  const own = Records.none(2);
  assert.is(recordsFrom(own), own);
  const taken = recordsFrom({ memories: blocks, spans, length: 3 });
  assert.instance(taken, Records);
  assertHolds(taken as Records, [new Uint8Array(3), undefined, new Uint8Array(0)]);
  const beyond = (...numbers: number[]) => ({ memories: blocks, spans: Uint32Array.from(numbers) });
  const others = [
    ...[undefined, null, [], [new Uint8Array(3)], {}, 'x', { memories: blocks }, { spans }, { memories: [5], spans }],
    { memories: [new Uint8Array(8).subarray(1)], spans: Uint32Array.of(0, 0, 1) },
    beyond(0, 0),
    beyond(0, 0, 4),
    beyond(0, 3, 1),
    beyond(2, 0, 0),
    beyond(0xffffffff, 0, 1),
    beyond(0, 0xffffffff, 0xffffffff),
  ];
  for (const other of others) assert.is(recordsFrom(other), undefined);
});

test.run();
