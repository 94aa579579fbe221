import Benchmark from 'benchmark';
import { createValueCodec, createVectorCodec } from 'vecstash/codec';
import { selectEngine } from '../../src/codec/engine/select.js';
import { createKeyMaker } from '../../src/keys/digest.js';
import type { KeyPrefix } from '../../src/keys/key.js';
import type { Suite } from '../suite.js';
import type { FigureTable } from '../tables.js';
import { gaussianVectors, texts as makeTexts } from '../vectors.js';

const COUNT = 100;
const DIMENSIONS = 768;
const SEED = 20261130;
const PREFIX = 'bench:v1:micro:AAAAAAAAAAAAAAAA:' as KeyPrefix;

type Engine = 'native' | 'portable';

/** Synchronous calls of 100 items by themselves, by Benchmark.js: what one batch costs the thread, in either build of the core. */
export const micro: Suite = async ({ short, only }) => {
  const measured = [...casesOf('native'), ...casesOf('portable')].filter(({ name }) => !only || name.includes(only));
  const suite = new Benchmark.Suite();
  for (const { name, run } of measured) suite.add(name, run, { maxTime: short ? 0.1 : 1 });
  suite.run();
  const rows = suite.map(({ name, hz, stats }: Benchmark) => {
    return { name, us: 1e6 / hz, rme: stats.rme, samples: stats.sample.length };
  }) as unknown as { name: string; us: number; rme: number; samples: number }[];
  const table: FigureTable = {
    id: 'micro',
    title: `Batches of ${COUNT}, vectors of ${DIMENSIONS} float32s, one synchronous call`,
    columns: [
      { key: 'name', head: '' },
      { key: 'us', head: 'us a batch', digits: 1 },
      { key: 'rme', head: '+- %', digits: 1 },
      { key: 'samples', head: 'samples', digits: 0 },
    ],
    rows,
  };
  const of = (what: string, engine: Engine) => rows.find(({ name }) => name === `${what} (${engine})`)?.us;
  const ratios = Object.fromEntries(
    ['digest', 'encode', 'decode'].flatMap((what) => {
      const [native, portable] = [of(what, 'native'), of(what, 'portable')];
      return native && portable ? [[`${what} (portable) / ${what} (native)`, portable / native]] : [];
    }),
  );
  return { suite: 'micro', about: table.title, measurements: [], ratios, tables: [table] };
};

function casesOf(engine: Engine): { name: string; run: () => void }[] {
  const texts = makeTexts(COUNT);
  const vectors = gaussianVectors(COUNT, DIMENSIONS, SEED);
  const codec = createVectorCodec({ dimensions: DIMENSIONS, engine });
  const values = createValueCodec({ engine });
  const makeKeys = createKeyMaker(undefined, selectEngine(engine).digest);
  const keys = makeKeys(PREFIX, texts);
  const records = codec.encodeMany(keys, vectors);
  const assets = texts.map((text, i) => ({ id: i, text, tags: text.split(' ').slice(0, 5) }));
  const packed = values.encodeMany(keys, assets);
  const runs = {
    digest: () => makeKeys(PREFIX, texts),
    encode: () => codec.encodeMany(keys, vectors),
    decode: () => codec.decodeMany(keys, records),
    'encode values': () => values.encodeMany(keys, assets),
    'decode values': () => values.decodeMany(keys, packed),
  };
  return Object.entries(runs).map(([name, run]) => ({ name: `${name} (${engine})`, run }));
}
