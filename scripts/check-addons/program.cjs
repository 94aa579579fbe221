// Run inside of an installed project: both engines write the same bytes, and each reads the
// other's. Prints the Node it ran on.
const { createVectorCodec } = require('vecstash/codec');
const keys = ['a', 'b', 'c'];
const vectors = keys.map((_, row) => Float32Array.from({ length: 384 }, (_, i) => Math.sin(row + i * 0.37)));
const [native, portable] = ['native', 'portable'].map((engine) => createVectorCodec({ dimensions: 384, engine }));
const [ours, theirs] = [native, portable].map((codec) => codec.encodeMany(keys, vectors));
ours.forEach((record, row) => {
  if (Buffer.compare(record, theirs[row]) !== 0) throw new Error(`record ${row} differs`);
});
const same = (a, b) => Buffer.compare(Buffer.from(a.buffer, a.byteOffset, a.byteLength), Buffer.from(b.buffer)) === 0;
if (!native.decodeMany(keys, theirs).every((vector, row) => same(vector, vectors[row])))
  throw new Error('it reads others');
console.log(`${process.platform} ${process.arch} ${process.version}`);
