import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeNpy } from '../../npy.js';
import type { VectorSet } from '../../sets.js';
import type { Cell, FigureTable } from '../../tables.js';

const MANIFEST = fileURLToPath(new URL('../../../native/Cargo.toml', import.meta.url));
const EXAMPLE = ['run', '--quiet', '--release', '--locked', '--manifest-path', MANIFEST];

/** The core by itself, in Rust and one thread, on vectors it makes and on real ones; and what vectors cost without it. */
export function coreTable(sets: VectorSet[], short: boolean): FigureTable {
  const why = short ? 'the short form leaves Rust out' : spawnSync('cargo', ['-V']).error && 'there is no cargo here';
  return {
    id: 'core',
    title:
      'The core in Rust, one thread, checksum included, in GB/s of float32s; exact and bounded records are decoded and compared as they are encoded',
    columns: [
      { key: 'set', head: 'set' },
      { key: 'name', head: 'form' },
      { key: 'bytes', head: 'bytes a vector', digits: 1 },
      { key: 'ratio', head: 'ratio', digits: 3 },
      { key: 'order0Bytes', head: 'order-0 bound', digits: 1 },
      { key: 'maxError', head: 'largest error', digits: 'power' },
      { key: 'encodeGBps', head: 'encode', digits: 2 },
      { key: 'decodeGBps', head: 'decode', digits: 2 },
      { key: 'copyGBps', head: 'memcpy', digits: 1 },
    ],
    rows: why ? [] : [...measured('made', []), ...sets.flatMap(measuredSet)],
    ...(why && { skipped: [`skipped: ${why}`] }),
  };
}

function measuredSet({ name, vectors }: VectorSet): Record<string, Cell>[] {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-bench-'));
  try {
    const file = join(folder, 'vectors.npy');
    writeNpy(file, vectors);
    return measured(name, [file]);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** How often all is measured: what slows the machine down for seconds is over by the next visit. */
const VISITS = 3;

const SPEEDS = ['encodeGBps', 'decodeGBps', 'copyGBps'];

/** The rows of one visit, with the speeds of the best. */
function measured(set: string, files: string[]): Record<string, Cell>[] {
  const visits = Array.from({ length: VISITS }, () => visited(set, files));
  const best = (row: number, key: string) => Math.max(...visits.map((rows) => Number(rows[row]?.[key])));
  return (visits[0] ?? []).map((cells, row) => {
    const speeds = SPEEDS.filter((key) => key in cells).map((key) => [key, best(row, key)] as const);
    return { ...cells, ...Object.fromEntries(speeds) };
  });
}

function visited(set: string, files: string[]): Record<string, Cell>[] {
  const args = [...EXAMPLE, '-p', 'vecstash-core', '--example', 'codec', '--', '--json', ...files];
  const { status, stdout, stderr } = spawnSync('cargo', args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`the codec example failed: ${stderr}`);
  const lines = stdout.split('\n').filter((line) => line !== '');
  return lines.map((line) => {
    // JSON has no undefined, which is what a cell that holds nothing is.
    const row = Object.entries<Cell | null>(JSON.parse(line)).filter(([, cell]) => cell !== null);
    return { set, ...(Object.fromEntries(row) as Record<string, Cell>) };
  });
}
