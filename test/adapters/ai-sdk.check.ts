import { readFileSync } from 'node:fs';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { installConsumer } from '../support/consumer.js';

// AI SDK 7, which needs Node 22; ai-sdk.test.ts does more with 6.
const test = suite('embeddingCache of AI SDK 7');
const program = readFileSync(new URL('ai-sdk-program.ts', import.meta.url), 'utf8');
const consumer = await installConsumer(
  'ai-7',
  'ai-sdk-openai-4',
  'ai-sdk-google-4',
  '@types/node',
  'typescript-5.9',
  'node-22',
);
test.after(() => consumer.remove());

const vectorOf = (text: string) => Array.from({ length: 4 }, (_, i) => text.length + i);

test('the program compiles as strict code', async () => {
  consumer.write({ 'program.mts': program });
  const tsc = 'node_modules/typescript-5.9/bin/tsc';
  const flags = '--strict --exactOptionalPropertyTypes --skipLibCheck --target es2022 --types node --module nodenext';
  await consumer.run(process.execPath, [tsc, ...flags.split(' '), '--outDir', 'out', 'program.mts']);
});

const run = async () => {
  const printed = await consumer.run('node_modules/node-22/bin/node', ['out/program.mjs']);
  return JSON.parse(printed.split('\n').find((line) => line.startsWith('{')) ?? printed);
};

test('models of version 3 and 4: hits, partial hits, usage, dimensions', async () => {
  const { mocks } = await run();
  const same = {
    embeddings: [['a', 'bb', 'ccc'].map(vectorOf), ['dddd', 'ccc', 'a', 'dddd'].map(vectorOf), vectorOf('bb')],
    tokens: [6, 12, 2],
    asked: [['a', 'bb'], ['ccc'], ['dddd']],
  };
  assert.equal(mocks, [same, same, { lengths: [8, 8, 2], asked: 5 }]);
});

test("OpenAI's and Google's clients: what is in the key, errors, content for each value", async () => {
  const { providers } = await run();
  assert.equal(providers, {
    requests: [
      ['embeddings', ['a', 'b']],
      ['embeddings', ['a', 'b'], 2],
      ['embeddings', ['bad']],
      ['models/gemini-embedding-2:batchEmbedContents', 2],
      ['models/gemini-embedding-2:embedContent', 1],
    ].map(([path, ...rest]) => [String(path).split('/').at(-1), ...rest]),
    error: [true, 400],
    isSame: true,
    isOther: true,
  });
});

test.run();
