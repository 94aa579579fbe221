import fc from 'fast-check';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MAX_RECORD_BYTES, ProtocolError, type Reply, ReplyReader } from '../../src/backends/redis/single/resp.js';
import { RecordSpans } from '../../src/record-spans.js';
import { bytesOfReply, feed } from '../support/resp-replies.js';

const test = suite('replies of Redis');

/** The replies that a reader finds in a stream that comes in pieces. */
function read(stream: Buffer, sizes: readonly number[]): Reply[] {
  const replies: Reply[] = [];
  feed(new ReplyReader((reply) => replies.push(reply)), stream, sizes);
  return replies;
}

const comparable = (replies: readonly Reply[]) =>
  replies.map((reply) => {
    if (reply instanceof Error) return `error ${reply.message}`;
    return typeof reply === 'string'
      ? reply
      : reply.toArray().map((bytes) => bytes && Buffer.from(bytes).toString('hex'));
  });

const strings = fc
  .array(fc.option(fc.uint8Array({ maxLength: 60 }), { nil: undefined }), { maxLength: 12 })
  .map(RecordSpans.of);
const text = fc.stringMatching(/^[A-Z ]{1,12}$/);
const reply: fc.Arbitrary<Reply> = fc.oneof(
  { weight: 5, arbitrary: strings },
  text,
  text.map((message) => new Error(message)),
);

test('whatever the stream is cut into, replies come out whole and in order', () => {
  const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 20 });
  fc.assert(
    fc.property(fc.array(reply, { maxLength: 8 }), sizes, (replies, cut) => {
      assert.equal(comparable(read(Buffer.concat(replies.map(bytesOfReply)), cut)), comparable(replies));
    }),
    { numRuns: 2000 },
  );
});

test('replies beyond a block, and a string larger than one', () => {
  const bytes = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => (i * 31 + seed) & 255);
  const replies: Reply[] = [
    RecordSpans.of(Array.from({ length: 3000 }, (_, i) => bytes(1000 + (i % 7), i))),
    RecordSpans.of([bytes(5_000_000, 1), undefined, bytes(10, 2)]),
    RecordSpans.of([bytes(3, 3)]),
  ];
  const stream = Buffer.concat(replies.map(bytesOfReply));
  for (const sizes of [[1_000_000], [65_536], [70_001, 3]]) {
    const found = read(stream, sizes);
    assert.ok(comparable(found).join() === comparable(replies).join());
  }
});

test('an array of nothing, and of null', () => {
  assert.equal(comparable(read(Buffer.from('*0\r\n*-1\r\n+OK\r\n'), [3])), [[], [], 'OK']);
});

test('what is no such reply is an error at once, and no reply', () => {
  for (const stream of [
    '!5\r\nhello\r\n',
    '*1\r\n:5\r\n',
    '*1\r\n*1\r\n$1\r\na\r\n',
    '$-1\r\n',
    '$5000\r\nhello',
    '*x\r\n',
    '*1\r\n$1x\r\n',
  ]) {
    assert.throws(
      () => read(Buffer.from(stream), [1]),
      (error: unknown) => error instanceof ProtocolError,
      JSON.stringify(stream),
    );
  }
});

test('a string that is longer than any record is passed over, and its neighbours are there', () => {
  const replies: Reply[] = [];
  const reader = new ReplyReader((reply) => replies.push(reply));
  const write = (bytes: Uint8Array) => {
    for (let at = 0; at < bytes.length; ) {
      const room = reader.room();
      const piece = bytes.subarray(at, at + room.length);
      room.set(piece);
      reader.wrote(piece.length);
      at += piece.length;
    }
  };
  const before = process.memoryUsage().arrayBuffers;
  const [head, tail] = [Buffer.from('*3\r\n$1\r\na\r\n'), Buffer.from('\r\n$1\r\nb\r\n+OK\r\n')];
  for (const length of [MAX_RECORD_BYTES + 1, 200 * 2 ** 20]) {
    write(Buffer.concat([head, Buffer.from(`$${length}\r\n`)]));
    const noise = Buffer.alloc(2 ** 20, '\r\n$1\r\n');
    for (let left = length; left > 0; left -= noise.length) write(noise.subarray(0, Math.min(left, noise.length)));
    write(tail);
  }
  const hex = (text: string) => Buffer.from(text).toString('hex');
  const expected = [[hex('a'), undefined, hex('b')], 'OK'];
  assert.equal(comparable(replies), [...expected, ...expected]);
  const grown = process.memoryUsage().arrayBuffers - before;
  assert.ok(grown < 16 * 2 ** 20, `${grown} bytes`);
});

test('a byte string by itself is a text', () => {
  assert.equal(comparable(read(Buffer.from('$5\r\nhello\r\n$0\r\n\r\n+OK\r\n'), [1])), ['hello', '', 'OK']);
});

test('noise gives replies, or an error, and never reads on past its end', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...'*$+-:0123\r\nab'), maxLength: 60 }), (noise) => {
      try {
        read(Buffer.from(noise), [7]);
      } catch (error) {
        assert.instance(error, ProtocolError);
      }
    }),
    { numRuns: 5000 },
  );
});

test.run();
