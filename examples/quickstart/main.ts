// The main job on real input: texts in, vectors out, and the second time without the model. `npm run quickstart -- --help`
import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Command, InvalidArgumentError } from 'commander';
import pc from 'picocolors';
import { EmbedError, VecstashError } from 'vecstash';
import { createVectorCodec } from 'vecstash/codec';
import { type CountedModel, englishModel, openaiModel } from './model.js';
import { nearest } from './neighbours.js';
import { bytesLine, neighboursList, type Step, stepsTable } from './report.js';
import type { Restart } from './restarted.js';
import {
  digestOf,
  type Outcome,
  openCache,
  type QuickstartCache,
  runBatch,
  type Storage,
  sqliteMissing,
} from './run.js';
import { loadTexts } from './texts.js';

interface Flags {
  redis?: string;
  openai?: boolean;
  model: string;
  dimensions: number;
  texts: number;
}

const wholeNumber = (text: string) => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 3) throw new InvalidArgumentError('expected a whole number of at least 3.');
  return value;
};

const program = new Command('npm run quickstart --')
  .description('Embeds real texts through the cache: cold, warm, after a restart, and with a third of new ones.')
  .argument('[question]', 'whose nearest texts are listed', 'My cat keeps me awake')
  .option('--redis <url>', 'keep the vectors in this Redis instead of SQLite')
  .option(
    '--openai',
    'ask an OpenAI-compatible endpoint (OPENAI_BASE_URL, OPENAI_API_KEY), not the model that runs here',
  )
  .option('--model <id>', "the endpoint's model", 'text-embedding-3-small')
  .option('--dimensions <n>', "the length of the endpoint's vectors", wholeNumber, 1536)
  .option('--texts <n>', 'how many of the texts to take', wholeNumber, 144)
  .allowExcessArguments(false)
  .parse();

await main(program.opts<Flags>(), program.processedArgs[0] as string).catch((error: unknown) => {
  console.error(pc.red(`quickstart: ${explain(error)}`));
  process.exitCode = 1;
});

async function main(flags: Flags, question: string): Promise<void> {
  const { redis, openai, model: modelId, dimensions, texts: count } = flags;
  if (openai && !process.env.OPENAI_API_KEY)
    throw new Error('--openai needs OPENAI_API_KEY (and OPENAI_BASE_URL for another endpoint)');
  if (question.trim() === '') throw new Error('the question is empty');
  const all = loadTexts().slice(0, count);
  const known = all.slice(0, Math.ceil((2 * all.length) / 3));
  // The batch with news: every text, and every tenth of them once more.
  const mixed = [...all, ...all.filter((_, i) => i % 10 === 0)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));

  const folder = mkdtempSync(join(tmpdir(), 'vecstash-quickstart-'));
  const withoutSqlite = redis ? undefined : await sqliteMissing();
  const storage: Storage = {
    keyPrefix: `quickstart-${process.pid}`,
    ...(redis ? { redis } : withoutSqlite ? {} : { sqlite: join(folder, 'cache.db') }),
  };
  const model = openai ? openaiModel(modelId, dimensions) : englishModel();
  const opened = openCache(storage, model);
  try {
    await checkHealth(opened, redis);
    const engine = createVectorCodec({ dimensions: model.dimensions }).engine;
    const kept = redis ? 'memory over Redis' : withoutSqlite ? 'memory alone' : 'memory over SQLite';
    console.log(`\n${pc.bold('vecstash')}: ${kept}, ${engine} engine`);
    console.log(pc.dim(`${all.length} short texts, vectors of ${model.dimensions} dimensions`));
    console.log(pc.dim(`model: ${model.description}\n`));
    await model.prepare();

    const steps: Step[] = [];
    const step = async (title: string, texts: string[], run: () => Promise<Outcome>) => {
      const outcome = await run();
      steps.push({ title, outcome, exact: outcome.digest === digestOf(texts.map(model.vectorOf)) });
    };
    const restart: Restart = {
      storage,
      texts: known.length,
      ...(openai && { openai: { model: modelId, dimensions } }),
    };

    await step('cold: nothing is cached', known, () => runBatch(opened, known));
    const bytesOfKnown = opened.cache.stats().documents?.bytesWritten ?? 0;
    await step('warm: the same texts again', known, () => runBatch(opened, known));
    if (withoutSqlite === undefined) await step('after a restart', known, () => inNewProcess(restart));
    else console.log(pc.yellow(`nothing outlives the process here: ${withoutSqlite}\n`));
    await step('with a third of new texts', mixed, () => runBatch(opened, mixed));
    console.log(stepsTable(steps));
    console.log(bytesLine(known.length, model.dimensions, bytesOfKnown));
    await showNeighbours(opened, model, question, all);
    checkStory(steps, all.length - known.length);
  } finally {
    await opened.cache.clear().catch(() => {});
    await opened.cache.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function checkHealth({ cache }: QuickstartCache, redis: string | undefined): Promise<void> {
  const { ok, detail = 'no reason given' } = await cache.health();
  if (ok) return;
  throw new Error(`the cache's backend does not answer${redis ? ` at ${withoutPassword(redis)}` : ''}: ${detail}`);
}

/** What a cache of embeddings is for: a question's vector, and the cached ones that are nearest to it. */
async function showNeighbours(
  opened: QuickstartCache,
  model: CountedModel,
  question: string,
  texts: string[],
): Promise<void> {
  const cold = await runBatch(opened, [question]);
  const warm = await runBatch(opened, [question]);
  const vectors = await opened.embeddings.embed(texts);
  console.log(neighboursList(question, nearest(model.vectorOf(question), texts, vectors, 3), cold, warm));
}

async function inNewProcess(restart: Restart): Promise<Outcome> {
  const script = fileURLToPath(new URL('restarted.ts', import.meta.url));
  const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', script, JSON.stringify(restart)]);
  return JSON.parse(stdout);
}

/** What the table claims must be true, or the run has failed. */
function checkStory(steps: Step[], newTexts: number): void {
  const [, ...warm] = steps.slice(0, -1);
  const isTrue =
    steps.every((step) => step.exact) &&
    warm.every((step) => step.outcome.modelCalls === 0) &&
    steps.at(-1)?.outcome.modelTexts === newTexts;
  if (!isTrue) throw new Error('the cache did not do what it should: see the table above');
}

function withoutPassword(url: string): string {
  return url.replace(/\/\/[^@/]*@/, '//');
}

function explain(error: unknown): string {
  const reason =
    error instanceof EmbedError ? error.original : error instanceof VecstashError ? error.cause : undefined;
  const cause = reason instanceof Error ? ` (${reason.message})` : '';
  return error instanceof Error ? (`${error.message}${cause}`.split('\n')[0] as string) : String(error);
}
