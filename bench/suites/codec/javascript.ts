import { Packr } from 'msgpackr';
import { createVectorCodec, type Precision } from 'vecstash/codec';
import { type Contender, interleave, type Measurement } from '../../interleave.js';
import type { SuiteSettings } from '../../suite.js';
import type { FigureTable } from '../../tables.js';
import { type BlockCompressor, lz4Compressor, zstdCompressor } from '../pipelines.js';
import { keysFor, PRECISIONS } from './precisions.js';

const OWN = 'decode (native)';

/** Calls in a turn: enough of them for each contender to collect its own garbage several times, which is part of what it costs. */
const CALLS = 50;

/** The native engine from JavaScript, synchronously, against what packing each vector by itself costs. */
export async function timeFromJavaScript(
  vectors: Float32Array[],
  { short, only }: SuiteSettings,
): Promise<{ measurements: Measurement[]; ratios: Record<string, number>; table: FigureTable }> {
  const precisions = short ? ['exact'] : ['exact', 'maxError 1e-5', 'float16', 'int8'];
  const contenders = [...ownContenders(vectors, precisions), ...(await otherContenders(vectors))].filter(
    ({ name }) => only === undefined || name.includes(only),
  );
  const { measurements: turns, timesOf } = await interleave(contenders.map(repeated), short ? 7 : 25, 2);
  const measurements = turns.map(({ p50, p95, p99, ...turn }) => {
    return { ...turn, p50: p50 / CALLS, p95: p95 / CALLS, p99: p99 / CALLS };
  });
  const times = only === undefined ? timesOf(OWN) : {};
  const ratios = Object.fromEntries(
    Object.entries(times)
      .filter(([name]) => name.startsWith('decode (') && name.includes('msgpackr'))
      .map(([name, ratio]) => [`${name} / ${OWN}`, ratio]),
  );
  const bytes = vectors.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const rows = measurements.map(({ name, p50, p95, bytesPerVector }) => {
    return { name, p50, p95, times: times[name], speed: bytes / p50 / 1e6, bytesPerVector };
  });
  const table: FigureTable = {
    id: 'javascript',
    title: `${vectors.length} vectors of ${vectors[0]?.length} float32s from JavaScript, a synchronous call; interleaved turns of ${CALLS} calls`,
    columns: [
      { key: 'name', head: '' },
      { key: 'p50', head: 'p50 ms', digits: 2 },
      { key: 'p95', head: 'p95 ms', digits: 2 },
      { key: 'times', head: `times ${OWN}`, digits: 2 },
      { key: 'speed', head: 'GB/s of float32', digits: 2 },
      { key: 'bytesPerVector', head: 'bytes a vector', digits: 0 },
    ],
    rows,
  };
  return { measurements, ratios, table };
}

function repeated({ run, ...contender }: Contender): Contender {
  return {
    ...contender,
    async run() {
      for (let call = 0; call < CALLS; call++) await run();
    },
  };
}

function ownContenders(vectors: Float32Array[], precisions: string[]): Contender[] {
  const keys = keysFor(vectors.length);
  const of = (label: string, precision: Precision): Contender[] => {
    const codec = createVectorCodec({ dimensions: vectors[0]?.length ?? 0, precision, engine: 'native' });
    const records = codec.encodeMany(keys, vectors);
    const bytesPerVector = records.reduce((sum, { length }) => sum + length, 0) / records.length;
    return [
      { name: `decode (native${label})`, run: async () => codec.decodeMany(keys, records), bytesPerVector },
      { name: `encode (native${label})`, run: async () => codec.encodeMany(keys, vectors), bytesPerVector },
    ];
  };
  return precisions.flatMap((name) => of(name === 'exact' ? '' : `, ${name}`, PRECISIONS[name] as Precision));
}

async function otherContenders(vectors: Float32Array[]): Promise<Contender[]> {
  const packr = new Packr({ moreTypes: true, useRecords: false });
  const packed = ({ name, compress, decompress }: BlockCompressor): Contender => {
    const values = vectors.map((vector) => compress(packr.pack(vector)));
    return {
      name: `decode (${name} + msgpackr)`,
      run: async () => values.map((bytes) => packr.unpack(decompress(bytes))),
      bytesPerVector: values.reduce((sum, { length }) => sum + length, 0) / values.length,
    };
  };
  const zstd = await zstdCompressor();
  const copy: Contender = {
    name: 'copy',
    run: async () => vectors.map((vector) => vector.slice()),
    bytesPerVector: 4 * (vectors[0]?.length ?? 0),
  };
  return [packed(lz4Compressor), ...(zstd ? [packed(zstd)] : []), copy];
}
