import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { CacheBackend } from 'vecstash';
import { createVectorCodec } from 'vecstash/codec';
import { RedisBackend } from 'vecstash/redis';
import { SqliteBackend } from 'vecstash/sqlite';
import { startRedis } from '../../test/support/redis-server.js';
import { type Contender, interleave } from '../interleave.js';
import type { Suite } from '../suite.js';
import type { FigureTable } from '../tables.js';
import { gaussianVectors, seeded } from '../vectors.js';

const DIMENSIONS = 768;
const SEED = 20261122;
const FEW = 1000;
const MANY = 1_000_000;

/** Vectors that are made; the others are the same under other keys, which no store can tell. */
const DISTINCT = 5000;

/** A cache's key: prefix, version, namespace, fingerprint, digest. */
const keyOf = (index: number) => `vecstash:v1:texts:0123456789abcdef0123:${String(index).padStart(43, '0')}`;

/** A thousand records and a million of them in Redis and in SQLite: what each takes, and what a lookup costs. */
export const million: Suite = async ({ short }) => {
  const many = short ? MANY / 20 : MANY;
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-million-'));
  const file = join(folder, 'many.sqlite');
  const servers = [await startRedis(), await startRedis()] as const;
  const roomy = { maxBytes: 64 * 2 ** 30 };
  const stores: { name: string; count: number; backend: CacheBackend; bytes: () => Promise<number> }[] = [
    { name: 'Redis', count: FEW, backend: new RedisBackend(servers[0].url), bytes: () => redisBytes(servers[0].url) },
    { name: 'Redis', count: many, backend: new RedisBackend(servers[1].url), bytes: () => redisBytes(servers[1].url) },
    {
      name: 'SQLite',
      count: FEW,
      backend: new SqliteBackend({ path: join(folder, 'few.sqlite'), ...roomy }),
      bytes: async () => statSync(join(folder, 'few.sqlite')).size / FEW,
    },
    {
      name: 'SQLite',
      count: many,
      backend: new SqliteBackend({ path: file, ...roomy }),
      bytes: async () => statSync(file).size / many,
    },
  ];
  try {
    const codec = createVectorCodec({ dimensions: DIMENSIONS });
    const vectors = gaussianVectors(DISTINCT, DIMENSIONS, SEED);
    for (let start = 0; start < many; start += FEW) {
      const keys = Array.from({ length: FEW }, (_, index) => keyOf(start + index));
      const chosen = keys.map((_, index) => vectors[(start + index) % DISTINCT] as Float32Array);
      const entries = codec.encodeMany(keys, chosen).map((value, index) => ({ key: keys[index] as string, value }));
      for (const { count, backend } of stores) if (start < count) await backend.setMany(entries);
    }

    const random = seeded(SEED);
    const contendersOf = (keysAtOnce: number): Contender[] =>
      stores.map(({ name, count, backend }) => ({
        name: `${name}, ${count}, ${keysAtOnce} keys`,
        run: async () => {
          const keys = Array.from({ length: keysAtOnce }, () => keyOf(Math.floor(random() * count)));
          const found = await backend.getMany(keys);
          if (found.some((record) => record === undefined)) throw new Error(`${name} has lost a record`);
        },
      }));
    const single = await interleave(contendersOf(1), 3000, 300);
    const batch = await interleave(contendersOf(1000), 200, 20);

    const rows: FigureTable['rows'] = [];
    for (const [index, { name, count, bytes }] of stores.entries()) {
      const [one, thousand] = [single.measurements[index], batch.measurements[index]];
      rows.push({
        name,
        count,
        bytes: await bytes(),
        p50: one?.p50,
        p99: one?.p99,
        batch50: thousand?.p50,
        batch99: thousand?.p99,
      });
    }
    const growth = Object.fromEntries(
      ['Redis', 'SQLite'].flatMap((name) => {
        const [few, large] = rows.filter((row) => row.name === name);
        const quotient = (key: string) => Number(large?.[key]) / Number(few?.[key]);
        return [
          [`${name}: one key, p99 at ${many} / at ${FEW}`, quotient('p99')],
          [`${name}: 1000 keys, p99 at ${many} / at ${FEW}`, quotient('batch99')],
        ];
      }),
    );
    return {
      suite: 'million',
      about: `${FEW} and ${many} records of ${DIMENSIONS} true float32s, keys of a cache, on this machine; interleaved rounds, keys at random`,
      measurements: [],
      ratios: growth,
      tables: [table(rows)],
    };
  } finally {
    for (const { backend } of stores) await backend.close();
    for (const server of servers) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  }
};

/** What one record takes in Redis, its key included, as MEMORY USAGE tells: the mean of some. */
async function redisBytes(url: string): Promise<number> {
  const redis = new Redis(url);
  const sizes = await Promise.all(Array.from({ length: 200 }, (_, index) => redis.memory('USAGE', keyOf(index * 5))));
  redis.disconnect();
  return sizes.reduce((sum: number, size) => sum + Number(size), 0) / sizes.length;
}

function table(rows: FigureTable['rows']): FigureTable {
  return {
    id: 'million',
    title: 'bytes of one record with its key (MEMORY USAGE; file size), lookups in milliseconds',
    columns: [
      { key: 'name', head: 'store' },
      { key: 'count', head: 'records' },
      { key: 'bytes', head: 'bytes a record', digits: 0 },
      { key: 'p50', head: 'one key, p50', digits: 3 },
      { key: 'p99', head: 'p99', digits: 3 },
      { key: 'batch50', head: '1000 keys, p50', digits: 2 },
      { key: 'batch99', head: 'p99', digits: 2 },
    ],
    rows,
  };
}
