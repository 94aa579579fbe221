// Reads what somebody forged, in a process that is given little memory: `node --max-old-space-size=400 hostile-reader.ts ENGINE`.

import { createValueCodec } from '../../src/values/codec.js';
import { zstdFrames as zstd } from './compressors.js';
import type { EngineName } from './engines.js';
import { MODE } from './modes.js';
import { packedArray, packedDeep, packedText } from './msgpack.js';
import { writeRecord } from './records.js';

const KEY = 'key';
const MIB = 1024 * 1024;
const codec = createValueCodec({ engine: process.argv[2] as EngineName });

const ELEMENTS: readonly number[][] = [
  [0xc0],
  [0x90],
  [0x80],
  [0x91, 0xc0],
  [0x81, 0x7f, 0xc0],
  [0x81, ...packedText('999'), 0xc0],
  [0xd4, 0x73, 0, 0x90],
  [0xc7, 1, 0x74, 1],
  packedText('ab'),
];
for (const bytes of [15, 63]) {
  for (const element of ELEMENTS) {
    const msgpack = packedArray(Math.floor((bytes * MIB) / element.length), element);
    const payload = zstd ? zstd.compress(msgpack) : msgpack;
    const record = writeRecord(KEY, zstd ? MODE.valueZstd : MODE.value, msgpack.length, payload);
    codec.decodeMany([KEY], [record]);
    // Many of them in one call.
    if (zstd) codec.decodeMany(new Array(100).fill(KEY), new Array(100).fill(record));
  }
}
const deep = packedDeep(10 * MIB);
codec.decodeMany([KEY], [writeRecord(KEY, MODE.value, deep.length, deep)]);
console.log('alive');
