import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Worker } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { prf } from '../support/prf.js';
import { freePort, startRedis } from '../support/redis-server.js';
import { type Finished, runNode } from '../support/run-script.js';

const quickstart = (flags: string[], env: NodeJS.ProcessEnv = {}) =>
  runNode(['--import', 'tsx', 'examples/quickstart/main.ts', ...flags], {
    env: {
      ...process.env,
      NO_COLOR: '1',
      NODE_NO_WARNINGS: '1',
      REDIS_URL: '',
      OPENAI_API_KEY: '',
      OPENAI_BASE_URL: '',
      ...env,
    },
  });

/** The cells of the table's rows, by their title. */
function table({ stdout }: Finished): Map<string, string[]> {
  const rows = stdout.split('\n').filter((line) => line.startsWith('│'));
  return new Map(
    rows
      .map((row) =>
        row
          .split('│')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      )
      .map(([title, ...cells]) => [title as string, cells]),
  );
}

function checkStory(run: Finished, known: number, all: number): void {
  assert.is(run.code, 0, run.stderr);
  const rows = table(run);
  const cells = (title: string) => {
    const [texts, hits, asked, , , exact] = rows.get(title) ?? [];
    return { texts, hits, asked, exact };
  };
  assert.equal(cells('cold: nothing is cached'), { texts: `${known}`, hits: '0', asked: `${known}`, exact: 'yes' });
  for (const title of ['warm: the same texts again', 'after a restart']) {
    assert.equal(cells(title), { texts: `${known}`, hits: `${known}`, asked: '0', exact: 'yes' });
  }
  const { hits, asked, exact } = cells('with a third of new texts');
  assert.equal([hits, asked, exact], [`${known}`, `${all - known}`, 'yes']);
}

test('a real model, memory over SQLite: not asked when warm or restarted, and for the new texts alone when mixed', async () => {
  const run = await quickstart([]);
  checkStory(run, 96, 144);
  const [first = '', ...rest] = run.stdout.split('Nearest to ')[1]?.split('\n') ?? [];
  assert.match(first, '"My cat keeps me awake"');
  assert.match(rest.slice(0, 3).join('\n'), /^ {2}0\.\d\d {2}The kitten sleeps on the warm windowsill$/m);
  // It fits a terminal of the usual size.
  assert.ok(run.stdout.split('\n').length <= 24, run.stdout);
  assert.equal(
    run.stdout.split('\n').filter((line) => line.length > 100),
    [],
  );
});

test('what a person types is really embedded', async () => {
  const run = await quickstart(['--texts', '90', 'Will there be a thunderstorm?']);
  checkStory(run, 60, 90);
  assert.match(run.stdout, /Nearest to "Will there be.*\n {2}0\.\d\d {2}.*Tomorrow will be sunny and warm/);
});

test('a model whose engine is compiled after its files were read waits for it', async () => {
  const program = new URL('../../examples/quickstart/english-worker.mjs', import.meta.url);
  const slowly = `
    const { instantiate } = WebAssembly;
    WebAssembly.instantiate = async (...args) => {
      await new Promise((resolve) => setTimeout(resolve, 2000));
      return instantiate(...args);
    };
    import(${JSON.stringify(program)});`;
  const worker = new Worker(slowly, { eval: true, execArgv: [] });
  worker.postMessage({ id: 1, texts: ['cat'] });
  const [{ vectors, error }] = await once(worker, 'message');
  await worker.terminate();
  assert.is(error, undefined);
  assert.is(vectors.length, 512);
});

test('the same without the native engine', async () => {
  const run = await quickstart(['--texts', '90'], { VECSTASH_NATIVE: 'off' });
  checkStory(run, 60, 90);
  assert.match(run.stdout, 'portable engine');
});

test('--redis: the same on Redis, which is left as it was', async () => {
  const server = await startRedis();
  try {
    checkStory(await quickstart(['--texts', '90', '--redis', server.url]), 60, 90);
    const { Redis } = await import('ioredis');
    const redis = new Redis(server.url);
    assert.equal(await redis.keys('quickstart-*'), []);
    redis.disconnect();
  } finally {
    await server.stop();
  }
});

test('--openai: the same on an OpenAI-compatible endpoint', async () => {
  // Stands in for the endpoint: the protocol, with vectors that are made from the texts.
  const asked: string[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { input, dimensions, model } = JSON.parse(Buffer.concat(chunks).toString());
    asked.push(...input);
    const data = (input as string[]).map((text, index) => {
      const vector = prf(text, dimensions);
      return { object: 'embedding', index, embedding: Buffer.from(vector.buffer).toString('base64') };
    });
    response.setHeader('content-type', 'application/json');
    response.end(JSON.stringify({ object: 'list', data, model, usage: { prompt_tokens: 1, total_tokens: 1 } }));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`;
  const run = await quickstart(['--texts', '60', '--openai', '--dimensions', '256'], {
    OPENAI_BASE_URL: baseUrl,
    OPENAI_API_KEY: 'k',
  });
  server.close();
  checkStory(run, 40, 60);
  // Those of the table, and the question.
  assert.is(asked.length, 61);
});

test('what cannot be done is said in one line, with a code that is not 0', async () => {
  const port = await freePort();
  const cases: [string[], RegExp][] = [
    [['--bogus'], /unknown option '--bogus'/],
    [['a question', 'extra'], /too many arguments/],
    [[' '], /the question is empty/],
    [['--texts', 'many'], /--texts.*whole number/],
    [
      ['--redis', `redis://:hunter2@127.0.0.1:${port}`],
      /does not answer at redis:\/\/127\.0\.0\.1:\d+: .*ECONNREFUSED/,
    ],
    [['--redis', 'nonsense'], /expected a URL/],
    [['--openai'], /OPENAI_API_KEY/],
  ];
  for (const [flags, line] of cases) {
    const { code, stderr, stdout } = await quickstart(flags);
    assert.is(code, 1, flags.join(' '));
    assert.match(stderr, line);
    assert.is(stderr.trim().split('\n').length, 1, stderr);
    assert.not.match(stderr + stdout, 'hunter2');
  }
  const { code, stderr } = await quickstart(['--openai', '--texts', '30'], {
    OPENAI_BASE_URL: `http://127.0.0.1:${port}/v1`,
    OPENAI_API_KEY: 'k',
  });
  assert.is(code, 1);
  assert.match(stderr, /the model failed.*Connection error/);
  assert.is(stderr.trim().split('\n').length, 1, stderr);
});

test.run();
