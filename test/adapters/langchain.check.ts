import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { installConsumer } from '../support/consumer.js';

// In the oldest and the newest major, from ESM and from CommonJS, whose Embeddings are two classes.
const test = suite('CachedEmbeddings of LangChain, by version');
const program = readFileSync(new URL('langchain-program.ts', import.meta.url), 'utf8');
const vectorOf = (text: string) => [text.length, text.charCodeAt(0), text.charCodeAt(1)];

/** Takes over what CacheBackedEmbeddings of langchain 0.3, which hashes by SHA-1, has stored. */
const migration = `
  import { InMemoryStore } from '@langchain/core/stores';
  import { FakeEmbeddings } from '@langchain/core/utils/testing';
  import { CacheBackedEmbeddings } from 'langchain/embeddings/cache_backed';
  import { MemoryBackend } from 'vecstash';
  import { CachedEmbeddings } from 'vecstash/langchain';

  const older = CacheBackedEmbeddings.fromBytesStore(new FakeEmbeddings(), new InMemoryStore(), { namespace: 'm' });
  await older.embedDocuments(['a', 'ü']);
  const embeddings = new FakeEmbeddings();
  embeddings.embedDocuments = async (texts) => texts.map(() => [9, 9, 9, 9]);
  const cached = new CachedEmbeddings({ embeddings, model: 'm', dimensions: 4, backend: new MemoryBackend(), migrate: older });
  console.log(JSON.stringify((await cached.embedDocuments(['a', 'new', 'ü'])).map(([first]) => first === 9)));
`;

for (const version of ['0.3', '1']) {
  const consumer = await installConsumer(
    `langchain-core-${version}`,
    '@types/node',
    'typescript-5.9',
    ...(version === '0.3' ? ['langchain-0.3'] : []),
  );
  test.after(() => consumer.remove());

  test(`@langchain/core ${version}: the program compiles as strict code`, async () => {
    consumer.write({ 'program.mts': program, 'program.cts': program });
    const tsc = 'node_modules/typescript-5.9/bin/tsc';
    const flags = '--strict --exactOptionalPropertyTypes --skipLibCheck --target es2022 --types node --module nodenext';
    await consumer.run(process.execPath, [tsc, ...flags.split(' '), '--outDir', 'out', 'program.mts', 'program.cts']);
  });

  for (const extension of ['mjs', 'cjs']) {
    test(`@langchain/core ${version}, ${extension}: hits, roles, a vector store, errors, the class`, async () => {
      const printed = await consumer.run(process.execPath, [`out/program.${extension}`]);
      assert.equal(JSON.parse(printed.split('\n').find((line) => line.startsWith('{')) ?? printed), {
        vectors: ['new', 'xyz', 'abc', 'new'].map(vectorOf),
        asked: [[['abc', 'xyz'], ['new'], ['bad']], ['abc']],
        isEmbeddings: [true, true],
        caller: 2,
        error: ['too long', 400],
        refused: [true, 'documents[1]: expected a string, got number'],
      });
    });
  }

  if (version !== '0.3') continue;
  test('what CacheBackedEmbeddings of langchain 0.3 stored is taken over', async () => {
    consumer.write({ 'migration.mjs': migration });
    const printed = await consumer.run(process.execPath, ['migration.mjs']);
    assert.match(printed, '[false,true,false]');
  });
}

test.run();
