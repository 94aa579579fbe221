import { selectEngine } from '../../../src/codec/engine/select.js';
import { createValueCodec, trainDictionary, type ValueCodecOptions } from '../../../src/codec-api.js';
import { assets } from '../../../test/support/assets.js';
import { interleave } from '../../interleave.js';
import type { FigureTable } from '../../tables.js';
import { keysFor } from './precisions.js';

const COUNT = 500;
const TRAINED_ON = 2000;

/** What values take that have much in common: with a dictionary, trained on others of their kind, and without. */
export async function valuesTable(short: boolean): Promise<FigureTable> {
  const title = `${COUNT} values of a kind: bytes a record, and microseconds a value of a synchronous call`;
  if (selectEngine().name !== 'native')
    return { id: 'values', title, columns: [], rows: [], skipped: ['skipped: no native engine'] };
  const kinds: Record<string, (first: number, count: number) => unknown[]> = {
    asset: assets,
    'ten assets': (first, count) =>
      Array.from({ length: count }, (_, i) => ({ total: i, results: assets(10 * (first + i), 10) })),
  };
  const rows: FigureTable['rows'] = [];
  for (const [kind, make] of Object.entries(kinds)) {
    const values = make(TRAINED_ON, COUNT);
    const forms: Record<string, ValueCodecOptions> = {
      msgpack: { compression: 'none' },
      lz4: { compression: 'lz4' },
      zstd: { compression: 'zstd' },
    };
    for (const bytes of [1024, 16 * 1024])
      forms[`zstd, dictionary of ${bytes} bytes`] = { dictionary: trainDictionary(make(0, TRAINED_ON), { bytes }) };
    rows.push(...(await rowsOf(kind, values, forms, short)));
  }
  return {
    id: 'values',
    title,
    columns: [
      { key: 'kind', head: 'value' },
      { key: 'form', head: 'form' },
      { key: 'bytes', head: 'bytes a record', digits: 0 },
      { key: 'encode', head: 'encode', digits: 1 },
      { key: 'decode', head: 'decode', digits: 1 },
    ],
    rows,
  };
}

async function rowsOf(
  kind: string,
  values: unknown[],
  forms: Record<string, ValueCodecOptions>,
  short: boolean,
): Promise<FigureTable['rows']> {
  const keys = keysFor(values.length);
  const contenders = Object.entries(forms).flatMap(([form, options]) => {
    const codec = createValueCodec({ ...options, engine: 'native' });
    const records = codec.encodeMany(keys, values);
    const bytesPerVector = records.reduce((sum, { length }) => sum + length, 0) / records.length;
    return [
      { name: `${form}, encode`, bytesPerVector, run: async () => codec.encodeMany(keys, values) },
      { name: `${form}, decode`, bytesPerVector, run: async () => codec.decodeMany(keys, records) },
    ];
  });
  const { measurements } = await interleave(contenders, short ? 20 : 100, short ? 5 : 20);
  const of = (name: string) => measurements.find((one) => one.name === name);
  return Object.keys(forms).map((form) => ({
    kind,
    form,
    bytes: of(`${form}, encode`)?.bytesPerVector,
    encode: ((of(`${form}, encode`)?.p50 ?? Number.NaN) / values.length) * 1000,
    decode: ((of(`${form}, decode`)?.p50 ?? Number.NaN) / values.length) * 1000,
  }));
}
