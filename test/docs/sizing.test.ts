/** The formulas of docs/sizing.md and its calculator, against what the codec, Redis and SQLite take. */
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { float32, madeVectors, scaledFloat16 } from '../../bench/made.js';
import { type Choice, recordBytes, STORES } from '../../docs/.vitepress/theme/sizing.js';
import { SqliteBackend } from '../../src/backends/sqlite/sqlite.js';
import { createVectorCodec } from '../../src/codec-api.js';
import { startRedis } from '../support/redis-server.js';

const page = readFileSync(fileURLToPath(new URL('../../docs/sizing.md', import.meta.url)), 'utf8');
/** The rows of the table of measured records: dimensions, raw, and a mean for each precision. */
const rows = [...page.matchAll(/^\|( [\d,]+ \|){8}$/gm)].map(([row]) =>
  row
    .split('|')
    .slice(1, -1)
    .map((cell) => Number(cell.replaceAll(',', ''))),
);
const columns: Omit<Choice, 'dimensions'>[] = [
  { source: 'float32', precision: 'exact', maxError: 0 },
  { source: 'scaled float16', precision: 'exact', maxError: 0 },
  { source: 'float32', precision: 'maxError', maxError: 1e-5 },
  { source: 'float32', precision: 'maxError', maxError: 5e-4 },
  { source: 'float32', precision: 'float16', maxError: 0 },
  { source: 'float32', precision: 'int8', maxError: 0 },
];

const isNear = (actual: number, expected: number, share: number, what: string) =>
  assert.ok(Math.abs(actual / expected - 1) <= share, `${what}: ${actual} is not within ${share} of ${expected}`);

test('the formula and the table agree with each other and with the codec', () => {
  assert.is(rows.length, 6);
  for (const [dimensions = 0, raw, ...measured] of rows) {
    assert.is(raw, 4 * dimensions);
    for (const [i, column] of columns.entries()) {
      const what = `${dimensions}, ${JSON.stringify(column)}`;
      const made = madeVectors(50, dimensions, column.source === 'float32' ? float32 : scaledFloat16);
      const precision = column.precision === 'maxError' ? { maxError: column.maxError } : column.precision;
      const records = createVectorCodec({ dimensions, precision }).encodeMany(
        made.map((_, k) => `key ${k}`),
        made,
      );
      const mean = records.reduce((sum, { length }) => sum + length, 0) / records.length;
      isNear(measured[i] as number, mean, 0.01, `table: ${what}`);
      isNear(recordBytes({ dimensions, ...column }), mean, 0.03, `formula: ${what}`);
    }
  }
});

const keyOf = (i: number) => `vecstash:v1:docs:${String(i).padStart(65, '0')}`;

test('an entry in Redis takes what the calculator says', async () => {
  const server = await startRedis();
  const redis = new Redis(server.url);
  try {
    for (const bytes of [728, 1271, 2580, 2640, 5127]) {
      await redis.set(keyOf(bytes), Buffer.alloc(bytes, 1));
      const used = Number(await redis.memory('USAGE', keyOf(bytes)));
      isNear(STORES.Redis?.(bytes) ?? 0, used, 0.05, `${bytes} bytes`);
    }
  } finally {
    await redis.quit();
    await server.stop();
  }
});

test('an entry in SQLite takes what the calculator says', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-sizing-'));
  try {
    for (const bytes of [728, 2580, 5127, 10_242]) {
      const path = join(folder, `${bytes}.sqlite`);
      const backend = new SqliteBackend({ path });
      const count = 5000;
      await backend.setMany(Array.from({ length: count }, (_, i) => ({ key: keyOf(i), value: new Uint8Array(bytes) })));
      await backend.close();
      isNear(STORES.SQLite?.(bytes) ?? 0, statSync(path).size / count, 0.03, `${bytes} bytes`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.run();
