import { createVectorCodec, type Precision } from 'vecstash/codec';
import { type Contender, interleave } from '../../interleave.js';
import type { VectorSet } from '../../sets.js';
import type { FigureTable } from '../../tables.js';
import { keysFor, PRECISIONS } from './precisions.js';

/** Bytes of float32s that a contender works through in one round. */
const BYTES = 600_000;

/** The portable engine, for each kind of vector and each precision: MB/s of float32s. */
export async function portableTable(sets: VectorSet[], short: boolean): Promise<FigureTable> {
  const jobs = sets.flatMap(({ name, vectors }, i) => {
    const few = vectors.slice(0, Math.ceil(BYTES / 4 / (vectors[0]?.length ?? 1)));
    // One set, the plain one, is enough for the precisions that lose something.
    const precisions = Object.entries(PRECISIONS).filter(([precision]) => i === 0 || precision === 'exact');
    return precisions.map(([precision, option]) => ({ set: name, precision, option, vectors: few }));
  });
  const contenders = jobs.flatMap(({ vectors, option }, i) => contendersOf(String(i), vectors, option));
  const { measurements } = await interleave(contenders, short ? 6 : 40, short ? 3 : 10);
  const rows = jobs.map(({ set, precision, vectors }, i) => {
    const bytes = vectors.reduce((sum, { byteLength }) => sum + byteLength, 0);
    const speed = (direction: string) => {
      const found = measurements.find(({ name }) => name === `${i} ${direction}`);
      return found && bytes / found.p50 / 1e3;
    };
    return { set, precision, decode: speed('decode'), encode: speed('encode') };
  });
  return {
    id: 'portable',
    title: 'The portable engine, in MB/s of float32s',
    columns: [
      { key: 'set', head: 'set' },
      { key: 'precision', head: 'precision' },
      { key: 'decode', head: 'decode MB/s', digits: 0 },
      { key: 'encode', head: 'encode MB/s', digits: 0 },
    ],
    rows,
  };
}

function contendersOf(name: string, vectors: Float32Array[], precision: Precision): Contender[] {
  const codec = createVectorCodec({ dimensions: vectors[0]?.length ?? 0, precision, engine: 'portable' });
  const keys = keysFor(vectors.length);
  const records = codec.encodeMany(keys, vectors);
  return [
    { name: `${name} decode`, run: async () => codec.decodeMany(keys, records) },
    { name: `${name} encode`, run: async () => codec.encodeMany(keys, vectors) },
  ];
}
