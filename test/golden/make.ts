// Writes format-1.json: run it once for a new mode, look at what it adds, and commit that. What is there already stays.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createVectorCodec, type Precision } from '../../src/codec/vectors.js';
import { createSealer } from '../../src/sealing/seal.js';
import { createValueCodec } from '../../src/values/codec.js';
import { trainDictionary } from '../../src/values/train.js';
import { assetOf, assets } from '../support/assets.js';
import { MODE } from '../support/modes.js';
import { vectorKinds } from '../support/vector-kinds.js';

/** What format-1.json holds; bytes are hexadecimal. */
export interface Golden {
  /** `floats` is what the record decodes to; with `precision`, for a reader who asks for that. With `tokens` where it has some. */
  vectors: {
    mode: string;
    name: string;
    key: string;
    record: string;
    floats: string;
    precision?: Precision;
    tokens?: number;
  }[];
  /** With `dictionary` where there is one. */
  values: { mode: string; key: string; record: string; json: string; dictionary?: string }[];
  /** `record` is `inside`, sealed with `secret`. */
  sealed: { key: string; secret: string; record: string; inside: string }[];
}

/** The modes that do not give back what they were given, bit for bit. */
const LOSSY = ['steps', 'float16', 'int8'];

/** Kinds with forms that only longer vectors take. */
const LONG = ['bfloat16 scaled twice', 'bfloat16 scaled twice, nine decimals'];

/** Kinds that are here for the exact mode that is made for them. */
const STRUCTURED = [
  ...LONG,
  'integers',
  'bytes over 127',
  'bytes times a scale',
  'bfloat16 times a scale, nine decimals',
  'bfloat16 times a scale, cast to float16',
  'float16, seven digits',
];

/** Of each form that a number has. */
const TOKENS = [0, 127, 128, 300, 70_000, 2 ** 32 - 1];

/** A bound that the latest table of steps is the best for. */
const TABLE_6 = 2e-3;

function nameOf(record: Uint8Array): string {
  const found = Object.entries(MODE).find(([, mode]) => mode === record[2]);
  if (found === undefined) throw new Error(`mode ${record[2]} has no name`);
  return found[0];
}

const file = fileURLToPath(new URL('format-1.json', import.meta.url));

function make(): Golden {
  const golden: Golden = existsSync(file)
    ? JSON.parse(readFileSync(file, 'utf8'))
    : { vectors: [], values: [], sealed: [] };
  const hex = (bytes: Uint8Array) => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
  const add = <T extends { record: string }>(list: T[], entry: T, isSame: (old: T) => boolean) => {
    if (!list.some(isSame)) list.push(entry);
  };

  for (const dimensions of [5, 66, 200]) {
    for (const [kind, vector] of Object.entries(vectorKinds(dimensions))) {
      if (dimensions === 200 && !LONG.includes(kind)) continue;
      const isStructured = STRUCTURED.includes(kind);
      for (const compression of isStructured ? (['auto'] as const) : (['auto', 'none', 'lz4', 'zstd'] as const)) {
        const key = `golden:v1:docs:AAAAAAAAAAAAAAAA:${kind.replaceAll(' ', '-')}`;
        const name = `${kind}, ${dimensions} dimensions`;
        const [record] = createVectorCodec({ dimensions, compression }).encodeMany([key], [vector]) as [Uint8Array];
        const base = nameOf(record);
        const mode = base === 'planes' && compression !== 'auto' ? `planes, ${compression}` : base;
        const entry = { mode, name, key, record: hex(record), floats: hex(new Uint8Array(vector.buffer)) };
        add(golden.vectors, entry, (old) => old.mode === mode && old.name === name);
      }
      if (isStructured) continue;
      const bounds = kind === 'as a model makes them' ? [1e-3, 1e-6, TABLE_6] : [1e-3, 1e-6];
      for (const precision of ['float16', 'int8', ...bounds.map((maxError) => ({ maxError }))] as const) {
        const key = `golden:v1:docs:AAAAAAAAAAAAAAAA:${kind.replaceAll(' ', '-')}`;
        const codec = createVectorCodec({ dimensions, precision });
        const [record] = codec.encodeMany([key], [vector]) as [Uint8Array];
        const mode = nameOf(record);
        if (!LOSSY.includes(mode)) continue;
        const name = `${kind}, ${dimensions} dimensions, ${typeof precision === 'object' ? precision.maxError : precision}`;
        const floats = hex(new Uint8Array(codec.decodeOne(key, record).slice().buffer));
        add(golden.vectors, { mode, name, key, record: hex(record), floats, precision }, (old) => old.name === name);
      }
    }
  }
  for (const dimensions of [5, 200]) {
    const vector = vectorKinds(dimensions)['as a model makes them'] as Float32Array;
    const codec = createVectorCodec({ dimensions });
    for (const tokens of TOKENS) {
      const key = 'golden:v1:docs:AAAAAAAAAAAAAAAA:tokens';
      const name = `${dimensions} dimensions, ${tokens} tokens`;
      const [record] = codec.encodeMany([key], [vector], [tokens]) as [Uint8Array];
      const floats = hex(new Uint8Array(vector.buffer));
      add(
        golden.vectors,
        { mode: nameOf(record), name, key, record: hex(record), floats, tokens },
        (old) => old.name === name,
      );
    }
  }
  for (const compression of ['none', 'lz4', 'zstd'] as const) {
    const mode = compression === 'none' ? 'value' : `value, ${compression}`;
    const key = `golden:v1:assets:AAAAAAAAAAAAAAAA:${compression}`;
    const value = Array.from({ length: 20 }, (_, id) => ({
      id,
      name: `asset ${id}`,
      tags: ['one', 'two'],
      size: id * 1.5,
    }));
    const [record] = createValueCodec({ compression }).encodeMany([key], [value]) as [Uint8Array];
    add(golden.values, { mode, key, record: hex(record), json: JSON.stringify(value) }, (old) => old.mode === mode);
  }
  const dictionaries = {
    'value, dictionary': () => trainDictionary(assets(0, 500), { bytes: 1024 }),
    'value, dictionary that was not trained': () => Buffer.from(JSON.stringify(assetOf(0))),
  };
  for (const [mode, dictionaryOf] of Object.entries(dictionaries)) {
    if (golden.values.some((old) => old.mode === mode)) continue;
    const key = 'golden:v1:assets:AAAAAAAAAAAAAAAA:dictionary';
    const value = assetOf(1000);
    const dictionary = dictionaryOf();
    const [record] = createValueCodec({ dictionary }).encodeMany([key], [value]) as [Uint8Array];
    const entry = { mode, key, record: hex(record), json: JSON.stringify(value), dictionary: hex(dictionary) };
    golden.values.push(entry);
  }
  // The mode is the third byte. Those of mode 7f are no longer written.
  if (!golden.sealed.some(({ record }) => record.startsWith('95017e'))) {
    const key = 'golden:v1:docs:AAAAAAAAAAAAAAAA:sealed-with-a-key-of-its-own';
    const secret = 'a golden secret of 32 bytes, all of them known';
    const inside = Buffer.from('the record inside');
    const record = createSealer([Buffer.from(secret)]).seal(key, inside);
    golden.sealed.push({ key, secret, record: hex(record), inside: hex(inside) });
  }
  return golden;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) writeFileSync(file, `${JSON.stringify(make(), null, 1)}\n`);
