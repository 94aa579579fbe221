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
import { openaiModel, recordedModel } from './model.js';
import { bytesTable, type Step, stepsTable } from './report.js';
import type { Restart } from './restarted.js';
import { digestOf, type Outcome, openCache, runBatch, type Storage, sqliteMissing } from './run.js';
import { loadRecordedTexts } from './texts.js';

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

const flags = new Command('npm run quickstart --')
  .description('Embeds 778 real texts through the cache: cold, warm, after a restart, and with a third of new ones.')
  .option('--redis <url>', 'keep the vectors in this Redis instead of SQLite')
  .option(
    '--openai',
    'ask an OpenAI-compatible endpoint (OPENAI_BASE_URL, OPENAI_API_KEY) instead of the recorded vectors',
  )
  .option('--model <id>', "the endpoint's model", 'text-embedding-3-small')
  .option('--dimensions <n>', "the length of the endpoint's vectors", wholeNumber, 1536)
  .option('--texts <n>', 'how many of the texts to take', wholeNumber, 778)
  .allowExcessArguments(false)
  .parse()
  .opts<Flags>();

await main(flags).catch((error: unknown) => {
  console.error(pc.red(`quickstart: ${explain(error)}`));
  process.exitCode = 1;
});

async function main({ redis, openai, model: modelId, dimensions, texts: count }: Flags): Promise<void> {
  if (openai && !process.env.OPENAI_API_KEY)
    throw new Error('--openai needs OPENAI_API_KEY (and OPENAI_BASE_URL for another endpoint)');
  const recorded = loadRecordedTexts();
  const all = recorded.texts.slice(0, count);
  const known = all.slice(0, Math.ceil((2 * all.length) / 3));
  // The batch with news: every text, and every tenth of them once more.
  const mixed = [...all, ...all.filter((_, i) => i % 10 === 0)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));

  const folder = mkdtempSync(join(tmpdir(), 'vecstash-quickstart-'));
  const withoutSqlite = redis ? undefined : await sqliteMissing();
  const storage: Storage = {
    keyPrefix: `quickstart-${process.pid}`,
    ...(redis ? { redis } : withoutSqlite ? {} : { sqlite: join(folder, 'cache.db') }),
  };
  const model = openai ? openaiModel(modelId, dimensions) : recordedModel(recorded);
  const opened = openCache(storage, model);
  try {
    const health = await opened.cache.health();
    if (!health.ok)
      throw new Error(
        `the cache's backend does not answer${redis ? ` at ${withoutPassword(redis)}` : ''}: ${health.detail ?? 'no reason given'}`,
      );
    const engine = createVectorCodec({ dimensions: model.dimensions }).engine;
    console.log(
      `\n${pc.bold('vecstash')}: memory ${redis ? 'over Redis' : withoutSqlite ? 'alone' : 'over SQLite'}, ${engine} engine`,
    );
    console.log(pc.dim(`${all.length} passages of documentation; ${model.description}\n`));

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

    await step('cold: nothing is known', known, () => runBatch(opened, known));
    const bytesOfKnown = opened.cache.stats().documents?.bytesWritten ?? 0;
    await step('warm: the same again', known, () => runBatch(opened, known));
    if (withoutSqlite === undefined) await step('warm, in a new process', known, () => inNewProcess(restart));
    else console.log(pc.yellow(`nothing outlives the process here: ${withoutSqlite}\n`));
    await step('a third new, some twice', mixed, () => runBatch(opened, mixed));
    console.log(stepsTable(steps));

    const vectors = await opened.embeddings.getMany(known);
    console.log(
      bytesTable(known.length, [
        ['vecstash records', bytesOfKnown],
        ['raw float32', 4 * model.dimensions * known.length],
        ['JSON', vectors.reduce((sum, vector) => sum + JSON.stringify(Array.from(vector ?? [])).length, 0)],
      ]),
    );
    console.log(
      pc.dim(
        `\nA batch asks for each distinct text once: ${mixed.length} places, ${all.length} texts, ${all.length - known.length} of them new.\n`,
      ),
    );
    checkStory(steps, all.length - known.length);
  } finally {
    await opened.cache.clear().catch(() => {});
    await opened.cache.close();
    rmSync(folder, { recursive: true, force: true });
  }
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
