import * as assert from 'node:assert';
import { nativeDigest } from '../../../src/codec/select.js';
import { createKeyMaker } from '../../../src/keys/digest.js';
import type { KeyPrefix } from '../../../src/keys/key.js';
import { interleave } from '../../interleave.js';
import type { FigureTable } from '../../tables.js';
import { texts as makeTexts } from '../../vectors.js';

const COUNT = 1000;
const PREFIX = 'bench:v1:codec:AAAAAAAAAAAAAAAA:' as KeyPrefix;

/** Keys of a batch of texts: one native call, or a hash of Node's for each. */
export async function digestsTable(short: boolean): Promise<FigureTable> {
  const texts = makeTexts(COUNT);
  const native = nativeDigest();
  const title = `Keys of ${COUNT} texts of ${texts[0]?.length} characters`;
  if (native === undefined)
    return { id: 'digests', title, columns: [], rows: [], skipped: ['skipped: no native engine'] };
  const together = createKeyMaker(undefined, native);
  const each = createKeyMaker(undefined, undefined);
  assert.deepEqual(together(PREFIX, texts), each(PREFIX, texts));
  const { measurements, timesOf } = await interleave(
    [
      { name: 'one native call', run: async () => together(PREFIX, texts) },
      { name: 'crypto.hash for each', run: async () => each(PREFIX, texts) },
    ],
    short ? 60 : 300,
    short ? 15 : 50,
  );
  const times = timesOf('one native call');
  return {
    id: 'digests',
    title,
    columns: [
      { key: 'name', head: '' },
      { key: 'p50', head: 'p50 ms', digits: 3 },
      { key: 'p95', head: 'p95 ms', digits: 3 },
      { key: 'times', head: 'times one native call', digits: 2 },
    ],
    rows: measurements.map(({ name, p50, p95 }) => ({ name, p50, p95, times: times[name] })),
  };
}
