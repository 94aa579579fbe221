import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { installConsumer } from '../support/consumer.js';
import { run } from '../support/run-script.js';

// `npm test` has openai 6. Here are the other majors that the peer range allows; 7 needs Node 22.
const test = suite('withEmbeddingCache, with other versions of the SDK');
const consumer = await installConsumer('openai-4', 'openai-5', 'openai-7', 'node-22');
test.after(() => consumer.remove());

const modules = join(consumer.folder, 'node_modules');
const NODES: Record<string, string> = {
  'openai-4': process.execPath,
  'openai-5': process.execPath,
  'openai-7': join(modules, 'node-22/bin/node'),
};

for (const [sdk, node] of Object.entries(NODES)) {
  test(`${sdk}: all that is tested with openai 6`, async () => {
    const env = { ...process.env, SDK_FOLDER: join(modules, sdk) };
    const { code, stdout, stderr } = await run(node, ['--import', 'tsx', 'test/adapters/openai-version.ts'], { env });
    assert.is(code, 0, stdout + stderr);
    assert.match(stdout, new RegExp(`openai ${sdk.slice(-1)}\\.`));
  });
}

test('the packed package and openai 7, as a user has them, from ESM and CommonJS', async () => {
  const use = `
    const asked = [];
    const fetch = async (url, { body }) => {
      const { input } = JSON.parse(body);
      asked.push(...input);
      const data = input.map((text, index) => ({ object: 'embedding', index, embedding: [text.length, 1] }));
      return Response.json({ object: 'list', model: 'm', data, usage: { prompt_tokens: 2, total_tokens: 2 } });
    };
    const client = withEmbeddingCache(new OpenAI({ apiKey: 'none', fetch }), { backend: new MemoryBackend() });
    const main = async () => {
      await client.embeddings.create({ model: 'm', input: ['a', 'bb'] });
      const { data } = await client.embeddings.create({ model: 'm', input: ['bb', 'ccc'] });
      console.log(JSON.stringify([data.map((row) => row.embedding), asked]));
    };
    main();`;
  const names = [
    ['{ MemoryBackend }', 'vecstash'],
    ['{ withEmbeddingCache }', 'vecstash/openai'],
    ['{ OpenAI }', 'openai-7'],
  ];
  consumer.write({
    'main.mjs': names.map(([what, from]) => `import ${what} from '${from}';`).join('\n') + use,
    'main.cjs': names.map(([what, from]) => `const ${what} = require('${from}');`).join('\n') + use,
  });
  for (const file of ['main.mjs', 'main.cjs']) {
    const printed = await consumer.run(NODES['openai-7'] as string, [file]);
    assert.equal(JSON.parse(printed), [
      [
        [2, 1],
        [3, 1],
      ],
      ['a', 'bb', 'ccc'],
    ]);
  }
});

test.run();
