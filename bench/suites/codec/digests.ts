import * as assert from 'node:assert';
import { createHash } from 'node:crypto';
import { selectEngine } from '../../../src/codec/engine/select.js';
import { createKeyMaker, DIGEST_LENGTH, type KeyMaker } from '../../../src/keys/digest.js';
import type { CacheKey, KeyPrefix } from '../../../src/keys/key.js';
import { interleave } from '../../interleave.js';
import type { FigureTable } from '../../tables.js';
import { texts as makeTexts } from '../../vectors.js';

const COUNT = 1000;
const PREFIX = 'bench:v1:codec:AAAAAAAAAAAAAAAA:' as KeyPrefix;

/** Keys of a batch of texts: by an engine, or a hash of Node's for each. */
export async function digestsTable(short: boolean): Promise<FigureTable> {
  const texts = makeTexts(COUNT);
  const [native, portable] = (['native', 'portable'] as const).map((engine) =>
    createKeyMaker(undefined, selectEngine(engine).digest),
  ) as [KeyMaker, KeyMaker];
  const each: KeyMaker = (prefix, identities) =>
    identities.map((text) => {
      const hash = createHash('sha256').update(`t${text}`).digest('base64url');
      return (prefix + hash.slice(0, DIGEST_LENGTH)) as CacheKey;
    });
  for (const other of [portable, each]) assert.deepEqual(other(PREFIX, texts), native(PREFIX, texts));
  const { measurements, timesOf } = await interleave(
    [
      { name: 'native engine', run: async () => native(PREFIX, texts) },
      { name: 'portable engine', run: async () => portable(PREFIX, texts) },
      { name: 'createHash for each', run: async () => each(PREFIX, texts) },
    ],
    short ? 60 : 300,
    short ? 15 : 50,
  );
  const times = timesOf('native engine');
  return {
    id: 'digests',
    title: `Keys of ${COUNT} texts of ${texts[0]?.length} characters`,
    columns: [
      { key: 'name', head: '' },
      { key: 'p50', head: 'p50 ms', digits: 3 },
      { key: 'p95', head: 'p95 ms', digits: 3 },
      { key: 'times', head: 'times the native engine', digits: 2 },
    ],
    rows: measurements.map(({ name, p50, p95 }) => ({ name, p50, p95, times: times[name] })),
  };
}
