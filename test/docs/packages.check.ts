/**
 * Blocks of the docs that use packages which this repository does not install (`<!-- checked with:
 * PACKAGES -->`): with the real packages and the packed tarball each is type-checked and run. What
 * follows a block, below, shows that it did what the page says. Postgres is PGlite with pgvector,
 * LanceDB is itself. For Qdrant and Pinecone no server can be installed here: a small one
 * (test/support/vector-server.ts) takes what theirs take.
 */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startBucket } from '../support/bucket-server.js';
import { type Consumer, installConsumer } from '../support/consumer.js';
import { docBlocks, docPrograms, javaScriptOf } from '../support/doc-blocks.js';
import { docPages } from '../support/doc-pages.js';
import { startPostgres } from '../support/postgres.js';
import { startRedis } from '../support/redis-server.js';
import { startVectorServer } from '../support/vector-server.js';
import { given } from './given.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const programs = docPages(root)
  .flatMap((page) => docPrograms(docBlocks(root, page), given))
  .filter(({ block }) => block.checkedWith);

interface Service {
  env: NodeJS.ProcessEnv;
  stop(): unknown;
}

/** The servers that a block needs, and what the test adds to it. */
interface Setup {
  /** Packages beside those that the block names. */
  packages?: string[];
  start(consumer: Consumer): Promise<Service>;
  after: string;
}

const ASSERT = "import assertThat from 'node:assert/strict';\n";

/** By the first package that a block names. */
const setups: Record<string, Setup> = {
  pg: {
    packages: ['@types/pg', '@electric-sql/pglite', '@electric-sql/pglite-pgvector', '@electric-sql/pglite-socket'],
    start: startPostgres,
    after: `
      assertThat.equal(nearest.rows.length, 2);
      const items = (await client.query('SELECT content, embedding::real[] AS stored FROM items ORDER BY content')).rows;
      assertThat.deepEqual(items.map(({ content }) => content), texts);
      assertThat.deepEqual(items.map(({ stored }) => Float32Array.from(stored)), vectors);
      assertThat.throws(() => pgvector.toSql(vectors[0] as never), /expected array/);
      await assertThat.rejects(client.query('INSERT INTO items (embedding) VALUES ($1)', [vectors[0]]));
      await client.end();`,
  },
  '@qdrant/js-client-rest': {
    start: async () => {
      const { url, stop } = await startVectorServer();
      return { env: { QDRANT_URL: url }, stop };
    },
    after: `
      const seen = async () => (await (await fetch(process.env.QDRANT_URL + '/taken')).json()) as number[][];
      assertThat.deepEqual((await seen()).map((vector) => Float32Array.from(vector)), vectors);
      const typed = { points: [{ id: 7, vector: vectors[0] as never }] };
      await assertThat.rejects(qdrant.upsert('docs', typed));
      assertThat.equal((await seen()).length, 2);`,
  },
  '@pinecone-database/pinecone': {
    start: async () => {
      const { url, stop } = await startVectorServer();
      return { env: { PINECONE_CONTROLLER_HOST: url, PINECONE_API_KEY: 'none' }, stop };
    },
    after: `
      const seen = async () => (await (await fetch(process.env.PINECONE_CONTROLLER_HOST + '/taken')).json()) as number[][];
      assertThat.deepEqual((await seen()).map((vector) => Float32Array.from(vector)), vectors);
      await assertThat.rejects(index.upsert({ records: [{ id: 'x', values: vectors[0] as never }] }));
      assertThat.equal((await seen()).length, 2);`,
  },
  '@lancedb/lancedb': {
    start: async () => ({ env: {}, stop: () => {} }),
    after: `
      assertThat.equal(nearest.length, 2);
      const field = (await table.schema()).fields.find(({ name }) => name === 'vector');
      assertThat.match(String(field?.type), /^FixedSizeList\\[768\\]<Float32>$/);
      const stored = await table.query().toArray();
      assertThat.deepEqual(stored.map((row) => Float32Array.from(row.vector)), vectors);`,
  },
  unstorage: {
    start: async () => {
      const { url, close } = await startBucket();
      return { env: { S3_ENDPOINT: url, AWS_ACCESS_KEY_ID: 'none', AWS_SECRET_ACCESS_KEY: 'none' }, stop: close };
    },
    after: `
      const { createCache } = await import('vecstash');
      let asked = 0;
      for (const tier of [backend, s3]) {
        const embeddings = createCache({ backend: tier, readTimeout: '30s' }).embeddings('docs', {
          model: 'm',
          dimensions: 2,
          embed: async (texts: string[]) => texts.map((text) => [text.length, ++asked]),
        });
        assertThat.deepEqual(await embeddings.embed(['a', 'bb']), [[1, 1], [2, 2]].map((v) => Float32Array.from(v)));
      }
      assertThat.equal(asked, 2);`,
  },
  bentocache: {
    start: async () => {
      const { url, stop } = await startRedis();
      return { env: { REDIS_URL: url }, stop };
    },
    after: `
      const old = Array.from({ length: 768 }, (_, i) => Math.fround(Math.cos(i)));
      await bento.set({ key: 'moved', value: old });
      const [moved0, fresh0] = await moved.embed(['moved', 'fresh']);
      assertThat.deepEqual([moved0, fresh0], [Float32Array.from(old), ...(await embed(['fresh']))]);
      await bento.disconnect();`,
  },
};

const test = suite('blocks of the docs with packages of their own');

test('every such block names packages that there is a setup for', () => {
  assert.ok(programs.length > 0);
  for (const { block } of programs) assert.ok(setups[block.checkedWith?.[0] ?? ''], block.page);
});

for (const { block, source } of programs) {
  const names = block.checkedWith as string[];
  test(`${block.page}:${block.line} compiles and runs with ${names.join(', ')}`, async () => {
    const { packages = [], start, after } = setups[names[0] as string] as Setup;
    const consumer = await installConsumer('typescript-5.9', '@types/node', ...names, ...packages);
    const service = await start(consumer);
    try {
      const program = `${ASSERT}${source}${after}\nprocess.exit();\n`;
      consumer.write({ 'program.mts': program, 'program.mjs': javaScriptOf(program) });
      const flags = '--strict --noEmit --skipLibCheck --target es2022 --types node --module nodenext program.mts';
      await consumer.run(process.execPath, ['node_modules/typescript-5.9/bin/tsc', ...flags.split(' ')]);
      await consumer.run(process.execPath, ['program.mjs'], service.env);
    } finally {
      await service.stop();
      consumer.remove();
    }
  });
}

test('the page of vector databases names the versions that were tried', () => {
  const page = readFileSync(`${root}docs/recipes/vector-databases.md`, 'utf8');
  const versions = JSON.parse(readFileSync(`${root}test/support/consumer-versions.json`, 'utf8'));
  for (const name of ['pgvector', 'pg', '@qdrant/js-client-rest', '@pinecone-database/pinecone', '@lancedb/lancedb'])
    assert.ok(page.includes(`\`${name}\` ${versions[name]}`), `${name} ${versions[name]}`);
});

test.run();
