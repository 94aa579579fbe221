// npm run comparison [-- --from FILE.json]: measures other caches (the suite `peers`) and writes
// docs/comparison.md with its pictures; or writes it from what the suite wrote before.
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { Command } from 'commander';
import { fillPlaces } from './places.js';
import { ACCELERATOR_CACHES, MODELS } from './plots/accelerator.js';
import { comparisonPictures } from './plots/comparison.js';
import { draw } from './plots/draw.js';
import type { SuiteResult } from './suite.js';
import { type FigureTable, markdownTable } from './tables.js';

const PAGE = 'docs/comparison.md';
const PICTURES = 'docs/comparison';
const FILE = 'profiles/peers.json';

interface Figures extends SuiteResult {
  machine: { node: string; platform: string; cpu: string; cores: number };
}

const flags = new Command('npm run comparison --')
  .option('--from <file>', 'what the suite peers wrote, instead of measuring')
  .option('--short', 'measure in the short form', false)
  .parse()
  .opts<{ from?: string; short: boolean }>();

const file = flags.from ?? measure();
const figures: Figures = JSON.parse(readFileSync(file, 'utf8'));
const pictures = comparisonPictures(tableOf('lookups'), tableOf('links'));
await draw(Object.fromEntries(Object.entries(pictures).map(([name, spec]) => [`${PICTURES}/${name}`, spec])));
fillPlaces(PAGE, figuresOf);

/** In a process of its own: what this one has loaded must not be measured. */
function measure(): string {
  const form = flags.short ? ['--short'] : [];
  const args = ['--import', 'tsx', 'bench/main.ts', '--suite', 'peers', '--json', FILE, ...form];
  const { status } = spawnSync(process.execPath, args, { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
  return FILE;
}

function figuresOf(id: string): string {
  const { node, platform, cpu, cores } = figures.machine;
  switch (id) {
    case 'machine':
      return `Node ${node.slice(1)} on ${platform}, ${cores} cores (${cpu}). ${versions()}`;
    case 'headline':
      return headline();
    case 'usage': {
      const columns = [
        { key: 'name', head: '' },
        { key: 'usage', head: 'how it is used' },
      ];
      return markdownTable({ id, title: '', columns, rows: tableOf('lookups').rows });
    }
    case 'models':
      return modelTable();
    case 'wrong':
      return markdownTable(transposed(tableOf('wrong')));
    default:
      return markdownTable(tableOf(id));
  }
}

/** How many times as long as vecstash each other cache takes. */
function headline(): string {
  const times = new Map(tableOf('lookups').rows.map((row) => [String(row.name), Number(row.times)]));
  const of = (name: string) => times.get(name)?.toFixed(name.startsWith('bare') ? 2 : 1);
  const rivals = [...times.keys()].filter((name) => !name.startsWith('vecstash') && !name.startsWith('bare'));
  const sorted = rivals.sort((a, b) => (times.get(b) ?? 0) - (times.get(a) ?? 0));
  const bare = 1 / (times.get('bare mgetBuffer of float32s') ?? Number.NaN);
  return [
    'As many times as long as vecstash, exact, a warm lookup takes',
    `${sorted.map((name) => `${of(name)} (${name})`).join(', ')}.`,
    `vecstash itself takes ${bare.toFixed(2)} times as long as a bare \`mgetBuffer\` of the same float32s.`,
  ].join('\n');
}

function versions(): string {
  const { optionalDependencies } = json('bench/peers/package.json') as { optionalDependencies: Record<string, string> };
  const peers = Object.entries(optionalDependencies).filter(([name]) => !/^(vega|ioredis)/.test(name));
  const own = ['@langchain/classic', 'ioredis', 'lz4-napi', 'zstd-napi', 'msgpackr'].flatMap((name) => {
    const manifest = `node_modules/${name}/package.json`;
    return existsSync(manifest) ? [[name, (json(manifest) as { version: string }).version]] : [];
  });
  return `${[...peers, ...own].map((pair) => pair.join(' ')).join(', ')}.`;
}

function json(file: string): unknown {
  return JSON.parse(readFileSync(file, 'utf8'));
}

function modelTable(): string {
  const columns = [
    { key: 'name', head: '1000 texts, ms' },
    { key: 'at64', head: '64 tokens each' },
    { key: 'at256', head: '256 tokens each' },
  ];
  const caches = ACCELERATOR_CACHES.map(({ name, label }) => ({ name: `${name}, warm`, at64: label, at256: label }));
  return markdownTable({ id: 'models', title: '', columns, rows: [...MODELS, ...caches] });
}

/** Rows for columns: a page is not as wide as a terminal. */
function transposed({ id, title, columns: [, ...tests], rows }: FigureTable): FigureTable {
  const shown = rows.filter(({ name }) => !String(name).startsWith('vecstash, '));
  return {
    id,
    title,
    columns: [{ key: 'name', head: '' }, ...tests.map(({ key }, i) => ({ key, head: String(i + 1) }))],
    rows: shown,
    skipped: tests.map(({ head }, i) => `${i + 1}. ${head}.`),
  };
}

function tableOf(id: string): FigureTable {
  const table = figures.tables?.find((one) => one.id === id);
  if (table === undefined) throw new Error(`${file} has no table '${id}'`);
  return table;
}
