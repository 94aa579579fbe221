// npm run page -- FILE.json: the tables of docs/codec.md, from what the codec suite wrote.
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { fillPlaces } from './places.js';
import type { SuiteResult } from './suite.js';
import { type FigureTable, markdownTable } from './tables.js';

const PAGE = 'docs/codec.md';

interface Figures extends SuiteResult {
  machine: { node: string; platform: string; cpu: string; cores: number };
}

const [file] = new Command('npm run page --').argument('<file>', 'what the codec suite wrote').parse()
  .processedArgs as [string];
const figures: Figures = JSON.parse(readFileSync(file, 'utf8'));

fillPlaces(PAGE, figuresOf);

function figuresOf(id: string): string {
  const { node, platform, cpu, cores } = figures.machine;
  if (id === 'machine') return `Node ${node.slice(1)} on ${platform}, ${cores} cores (${cpu}).`;
  const core = tableOf('core');
  const isRecord = (row: FigureTable['rows'][number]) => row.modes !== '';
  switch (id) {
    case 'core':
      return part(core, ['set', 'name', 'bytes', 'order0Bytes', 'encodeGBps', 'decodeGBps', 'copyGBps'], (row) => {
        const isAsked = !String(row.name).includes('exact, ');
        return isRecord(row) && (row.set === 'made' ? isAsked : ['exact', 'maxError 1e-5'].includes(String(row.name)));
      });
    case 'baselines':
      return part(core, ['set', 'name', 'bytes', 'ratio', 'maxError', 'encodeGBps', 'decodeGBps'], (row) => {
        return !isRecord(row) && row.set !== 'e5-small, 384';
      });
    default:
      return markdownTable(tableOf(id));
  }
}

function part(table: FigureTable, keys: string[], keep: (row: FigureTable['rows'][number]) => boolean): string {
  const columns = table.columns.filter(({ key }) => keys.includes(key));
  return markdownTable({ ...table, columns, rows: table.rows.filter(keep) });
}

function tableOf(id: string): FigureTable {
  const table = figures.tables?.find((one) => one.id === id);
  if (table === undefined) throw new Error(`${file} has no table '${id}'`);
  return table;
}
