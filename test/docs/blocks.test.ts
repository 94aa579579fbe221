/**
 * Every code block of the README and the docs, as a reader has it: type-checked and run in a
 * project that has the packed tarball installed, over a real Redis. `<!-- not run: REASON -->` in
 * front of a block says why it is only type-checked, and `<!-- checked with: PACKAGES -->` that
 * packages.check.ts runs it. What costs money or an account has a stand-in: OpenAI's API
 * (test/support/embedding-api.ts), Upstash's REST API, DynamoDB (dynalite), Cloudflare (workerd).
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import ts from 'typescript';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { parse } from 'yaml';
import { createDynamoDBTable } from '../../src/backends/dynamodb/dynamodb.js';
import { type DocBlock, type DocProgram, docBlocks, docPrograms, javaScriptOf } from '../support/doc-blocks.js';
import { docPages } from '../support/doc-pages.js';
import { type DynamoDBServer, REGION, startDynamoDB } from '../support/dynamodb.js';
import { type EmbeddingApi, startEmbeddingApi } from '../support/embedding-api.js';
import { type PackedProject, packProject } from '../support/packed-project.js';
import { type RedisServer, startRedis } from '../support/redis-server.js';
import { type Finished, runNode } from '../support/run-script.js';
import { skipped } from '../support/skip.js';
import { bundleWorker, OLDEST, startWorker } from '../support/worker.js';
import { given } from './given.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { scripts: Record<string, string> };
const pages = docPages(root).map((page) => ({ page, blocks: docBlocks(root, page) }));
const blocks = pages.flatMap((page) => page.blocks);
const programs = pages.flatMap((page) => docPrograms(page.blocks, given));

interface Context {
  project: PackedProject;
  redis: RedisServer;
  api: EmbeddingApi;
  dynamodb: DynamoDBServer;
}

const test = suite<Context>('blocks');

test.before(async (context) => {
  context.project = packProject();
  context.redis = await startRedis();
  context.api = await startEmbeddingApi();
  context.dynamodb = await startDynamoDB();
  await createDynamoDBTable({ table: 'vectors', region: REGION, endpoint: context.dynamodb.endpoint });
  for (const { block, source } of programs) writeFileSync(join(context.project.folder, fileOf(block, 'ts')), source);
});

test.after(async ({ project, redis, api, dynamodb }) => {
  project?.remove();
  api?.stop();
  await dynamodb?.stop();
  await redis?.stop();
});

const place = ({ page, line }: DocBlock) => `${page}:${line}`;
const fileOf = ({ page, line }: DocBlock, extension: string) => `${page.replace(/\W+/g, '-')}-${line}.${extension}`;

test('every block names its language, and one that is not run says why', () => {
  const known = /^(ts|js|sh|text|json|yaml|sql)$/;
  assert.equal(blocks.filter(({ language }) => !known.test(language)).map(place), []);
  assert.equal(blocks.filter(({ notRun }) => notRun !== undefined && notRun.length < 10).map(place), []);
});

test('every TypeScript block compiles as strict code against the packed types', ({ project }) => {
  const of = new Map(programs.map((program) => [join(project.folder, fileOf(program.block, 'ts')), program]));
  const options: ts.CompilerOptions = {
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    target: ts.ScriptTarget.ES2022,
    strict: true,
    noEmit: true,
    skipLibCheck: true,
    types: ['node'],
  };
  const program = ts.createProgram([...of.keys(), join(root, 'test/docs/modules.d.ts')], options);
  const problems = ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const known = file && of.get(file.fileName);
    const text = ts.flattenDiagnosticMessageText(messageText, '\n');
    if (!file || !known) return `${file?.fileName}: ${text}`;
    const at = file.getLineAndCharacterOfPosition(start ?? 0).line + 2 - known.offset;
    return `${known.block.page}:${known.block.line + at - 1}: ${text}`;
  });
  assert.equal(problems, []);
});

async function run({ project, redis, api, dynamodb }: Context, { block, source }: DocProgram): Promise<Finished> {
  // What a block stores is its own: pages use the same names.
  const folder = join(project.folder, fileOf(block, 'run'));
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'block.mjs'), javaScriptOf(source));
  // Servers and connections that a block leaves open are none of its errors.
  writeFileSync(join(folder, 'main.mjs'), "await import('./block.mjs');\nsetImmediate(() => process.exit());\n");
  return runNode(['main.mjs'], {
    cwd: folder,
    env: {
      ...process.env,
      REDIS_URL: redis.url,
      OPENAI_API_KEY: 'none',
      OPENAI_BASE_URL: api.url,
      VECSTASH_SECRETS: Array.from({ length: 3 }, () => randomBytes(32).toString('base64')).join(),
      KV_REST_API_URL: 'http://127.0.0.1:9',
      KV_REST_API_TOKEN: 'none',
      CLOUDFLARE_ACCOUNT_ID: '0'.repeat(32),
      CLOUDFLARE_KV_NAMESPACE_ID: '0'.repeat(32),
      CLOUDFLARE_API_TOKEN: 'none',
      AWS_REGION: REGION,
      AWS_ENDPOINT_URL_DYNAMODB: dynamodb.endpoint,
    },
  });
}

const isRun = ({ notRun, checkedWith, isWorker }: DocBlock) => !(notRun || checkedWith || isWorker);

for (const program of programs.filter(({ block }) => isRun(block))) {
  test(`${place(program.block)} runs`, async (context) => {
    if (program.block.isNative && context.project.addons.length === 0)
      return skipped(`${place(program.block)} needs the native engine`);
    const { code, stdout, stderr } = await run(context, program);
    assert.is(code, 0, `${stdout}${stderr}`);
    if (program.block.prints !== undefined) assert.is(stdout.trim(), program.block.prints);
  });
}

for (const { block, source } of programs.filter(({ block }) => block.isWorker)) {
  test(`${place(block)} runs in workerd`, async ({ project }) => {
    const entry = join(project.folder, fileOf(block, 'mjs'));
    writeFileSync(entry, javaScriptOf(source));
    const worker = await startWorker((await bundleWorker({ entry: pathToFileURL(entry) })).code, OLDEST);
    const vectors = (await worker.askJson({ texts: ['a', 'b', 'a'] })) as number[][];
    assert.equal(
      vectors.map(({ length }) => length),
      [768, 768, 768],
    );
    assert.is((await worker.binding.list({ prefix: '' })).keys.length, 2);
    await worker.stop();
  });
}

test("README's program has hits when it is run again, and the model is not asked", async (context) => {
  const program = programs.find(({ block }) => block.page === 'README.md') as DocProgram;
  await run(context, program);
  const texts = context.api.texts();
  const { stdout } = await run(context, program);
  assert.is(stdout.trim(), '3 vectors: 2 from the cache, 0 from the model');
  assert.ok(readFileSync(join(root, 'README.md'), 'utf8').includes(stdout.trim()));
  assert.is(context.api.texts(), texts);
});

test('JSON and YAML blocks parse', () => {
  for (const block of blocks) {
    if (block.language === 'json') for (const text of block.code.split(/\n(?=\{)/)) JSON.parse(text);
    if (block.language === 'yaml') parse(block.code);
  }
});

test('scripts that shell blocks name exist', () => {
  for (const block of blocks.filter(({ language }) => language === 'sh')) {
    for (const [, name] of block.code.matchAll(/npm run ([\w:-]+)/g))
      assert.ok(name && scripts[name], `${place(block)}: ${name}`);
  }
});

for (const block of blocks.filter(({ language, notRun }) => language === 'sh' && notRun === undefined)) {
  test(`${place(block)} runs`, async ({ project }) => {
    const program = `import { execFileSync } from 'node:child_process'; execFileSync('sh', ['-ec', ${JSON.stringify(block.code)}], { stdio: 'inherit' });`;
    const { code, stdout, stderr } = await runNode(['--input-type=module', '-e', program], { cwd: project.folder });
    assert.is(code, 0, `${stdout}${stderr}`);
  });
}

test.run();
