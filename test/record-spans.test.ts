import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RecordSpans, RecordSpansBuilder, recordSpansFrom } from '../src/record-spans.js';
import { forgedRecords } from './support/forged-records.js';

const test = suite('records');

type Views = (Uint8Array | undefined)[];

const plain = (views: Views) => views.map((view) => view && Buffer.from(view).toString('hex'));
const assertHolds = (records: RecordSpans, views: Views) => {
  assert.is(records.length, views.length);
  assert.equal(plain(records.toArray()), plain(views));
  views.forEach((view, place) => {
    assert.is(records.has(place), view !== undefined);
    assert.is(records.lengthOf(place), view?.length ?? 0);
    const read = records.read(place, (memory, start, end) => Buffer.from(memory.subarray(start, end)).toString('hex'));
    assert.is(read, view && Buffer.from(view).toString('hex'));
  });
};

/** Views of a few buffers that they share, some of no bytes, and none. */
const buffers = Array.from({ length: 4 }, (_, m) => Uint8Array.from({ length: 50 }, (_, i) => 60 * m + i));
const view = fc
  .tuple(fc.nat(3), fc.nat(50), fc.nat(50))
  .map(([m, a, b]) => (buffers[m] as Uint8Array).subarray(Math.min(a, b), Math.max(a, b)));
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
        assertHolds(RecordSpans.of(all), all);
        const builder = new RecordSpansBuilder(2);
        for (const each of all) {
          if (each === undefined) builder.addNone();
          else builder.add(new Uint8Array(each.buffer), each.byteOffset, each.length);
        }
        assertHolds(builder.build(), all);
        const joined = RecordSpans.join(parts.map(RecordSpans.of));
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
  assertHolds(RecordSpans.none(3), [undefined, undefined, undefined]);
});

test('that go on in the memory where the part before ended name it once', () => {
  const [one, two] = buffers as [Uint8Array, Uint8Array];
  const part = (...of: Uint8Array[]) => {
    const builder = new RecordSpansBuilder(of.length);
    of.forEach((memory, i) => {
      builder.add(memory, i, 5);
    });
    return builder.build();
  };
  const joined = RecordSpans.join([part(one), part(one, two), RecordSpans.none(1), part(two, two)]);
  assert.is(joined.buffers.length, 2);
  assertHolds(joined, [one.slice(0, 5), one.slice(0, 5), two.slice(1, 6), undefined, two.slice(0, 5), two.slice(1, 6)]);
});

test('of another copy of the module are taken where they are sound, and nothing else is', () => {
  const { buffers: blocks, spans } = RecordSpans.of([new Uint8Array(3), undefined, new Uint8Array(0)]);
  const own = RecordSpans.none(2);
  assertHolds(recordSpansFrom(own) as RecordSpans, [undefined, undefined]);
  const taken = recordSpansFrom({ buffers: blocks, spans, length: 3 });
  assert.instance(taken, RecordSpans);
  assertHolds(taken as RecordSpans, [new Uint8Array(3), undefined, new Uint8Array(0)]);
  const beyond = (...numbers: number[]) => ({ buffers: blocks, spans: Uint32Array.from(numbers) });
  const others = [
    ...[undefined, null, [], [new Uint8Array(3)], {}, 'x', { buffers: blocks }, { spans }, { buffers: [5], spans }],
    { buffers: [new Uint8Array(8).subarray(1)], spans: Uint32Array.of(0, 0, 1) },
    beyond(0, 0),
    beyond(0, 0, 4),
    beyond(0, 3, 1),
    beyond(2, 0, 0),
    beyond(0xffffffff, 0, 1),
    beyond(0, 0xffffffff, 0xffffffff),
  ];
  for (const other of others) assert.is(recordSpansFrom(other), undefined);
});

/** What a lying backend may hand over as `RecordSpans`, of two buffers of 8 bytes. */
const blocksOf = () => [new Uint8Array(8), new Uint8Array(8)];
const forged = (spans: number[], blocks: unknown = blocksOf()) => forgedRecords(blocks, spans);

test('of this class are not believed either', () => {
  const number = fc.oneof(fc.nat(12), fc.constantFrom(0xffffffff, 0xfffffff8, 0x80000000));
  let taken = 0;
  fc.assert(
    fc.property(fc.array(fc.tuple(number, number, number), { maxLength: 4 }), (all) => {
      const isSound = all.every(([memory, offset, length]) =>
        memory === 0xffffffff ? offset + length === 0 : memory < 2 && offset + length <= 8,
      );
      for (const given of [forged(all.flat()), new RecordSpans(blocksOf(), Uint32Array.from(all.flat()))]) {
        const records = recordSpansFrom(given);
        assert.is(records !== undefined, isSound);
        if (records === undefined) continue;
        taken++;
        assert.is(records.toArray().length, all.length);
      }
    }),
    { numRuns: 2000 },
  );
  assert.ok(taken > 50, `${taken} were sound`);
});

test('whose getters throw, change their mind or are no arrays are none', () => {
  const throwing = (name: string) =>
    Object.defineProperty(forged([0, 0, 8]), name, {
      get() {
        throw new Error('no');
      },
    });
  for (const value of [throwing('buffers'), throwing('spans'), forged([0, 0, 8], [{}]), forged([0, 0, 8], 'memory')]) {
    assert.is(recordSpansFrom(value), undefined);
  }
  const given = forged([0, 0, 8]);
  const records = recordSpansFrom(given) as RecordSpans;
  given.spans.fill(7);
  (given.buffers as Uint8Array[]).pop();
  assertHolds(records, [new Uint8Array(8)]);
});

test('in memory that is shared or resizable are copied; what was detached has no bytes', () => {
  const shared = new Uint8Array(new SharedArrayBuffer(8)).fill(1);
  const ResizableBuffer = ArrayBuffer as unknown as new (
    length: number,
    options: { maxByteLength: number },
  ) => ArrayBuffer & { resize(length: number): void };
  const growing = new ResizableBuffer(8, { maxByteLength: 16 });
  const resizable = new Uint8Array(growing, 2, 4).fill(2);
  const detached = new Uint8Array(8);
  structuredClone(detached.buffer, { transfer: [detached.buffer] });
  const records = RecordSpans.of([shared.subarray(4), resizable, detached, undefined, new Uint8Array([9])]);
  const other = recordSpansFrom({ buffers: [shared], spans: Uint32Array.of(0, 0, 3) }) as RecordSpans;
  shared.fill(7);
  growing.resize(3);
  assertHolds(records, [
    new Uint8Array(4).fill(1),
    new Uint8Array(4).fill(2),
    new Uint8Array(0),
    undefined,
    new Uint8Array([9]),
  ]);
  assertHolds(other, [new Uint8Array(3).fill(1)]);
  assert.equal(plain(RecordSpans.of([resizable]).toArray()), [''], 'what lies outside by now');
});

test('of views that lie about their place are none', () => {
  const lying = (name: string, value: unknown) => Object.defineProperty(new Uint8Array(8), name, { value });
  const views = [
    lying('byteOffset', 1),
    lying('byteOffset', -1),
    lying('byteOffset', Number.NaN),
    lying('length', 9),
    lying('length', 2 ** 32 + 1),
    lying('buffer', 1e9),
    lying('buffer', undefined),
    'text',
    {},
    { length: 3, byteOffset: 0, buffer: 'x' },
  ] as Uint8Array[];
  for (const view of views) {
    for (const record of RecordSpans.of([view]).toArray()) assert.ok(record === undefined || record.length === 8);
  }
});

test('whose memory is detached later are gone', () => {
  const view = new Uint8Array(8);
  const records = RecordSpans.of([view, undefined]);
  structuredClone(view.buffer, { transfer: [view.buffer] });
  assert.equal(records.toArray(), [undefined, undefined]);
});

test.run();
