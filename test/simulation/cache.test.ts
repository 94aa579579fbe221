import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { Report } from './worker.js';

const test = suite('histories of caches over a store');

const HISTORIES = Number(process.env.VECSTASH_HISTORIES ?? 100_000);
const SEED = process.env.VECSTASH_SEED;
/** How many histories a process plays before it ends: what an earlier one left behind must not decide about a later one. */
const AT_ONCE = 5_000;
const SHOWN_LINES = 200;
const SHOWN_KINDS = 6;
const SHOWN_SEEDS = 20;

const worker = fileURLToPath(new URL('worker.ts', import.meta.url));

/** Plays the histories of some seeds in a process of its own, whose time is simulated. */
function play(first: number, last: number, ...log: string[]): Promise<{ report: Report; events: string }> {
  return new Promise((resolve, reject) => {
    const args = ['--max-semi-space-size=32', '--import', 'tsx', worker, String(first), String(last), ...log];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    child.on('error', reject);
    child.on('close', (code) => {
      const lines = output.trimEnd().split('\n');
      if (code !== 0) reject(new Error(`seeds ${first} to ${last}: the process ended with ${code}`));
      else resolve({ report: JSON.parse(lines.pop() as string), events: lines.join('\n') });
    });
  });
}

/** What was seen: of each kind of violation the shortest history. */
async function describe(reports: readonly Report[]): Promise<string> {
  const shortest = new Map<string, Report['shortest'][string]>();
  for (const { shortest: found } of reports) {
    for (const [kind, outcome] of Object.entries(found)) {
      const known = shortest.get(kind);
      const times = (known?.times ?? 0) + outcome.times;
      const seeds = [...(known?.seeds ?? []), ...outcome.seeds];
      shortest.set(kind, { ...(known && known.calls <= outcome.calls ? known : outcome), times, seeds });
    }
  }
  const texts: string[] = [];
  for (const [kind, { seed, violations, times, seeds }] of [...shortest].slice(0, SHOWN_KINDS)) {
    const { events } = await play(seed, seed, 'log');
    const lines = events.split('\n');
    texts.push(
      `${kind}, ${times} histories: VECSTASH_SEED=${seed} plays it again; seeds ${seeds.slice(0, SHOWN_SEEDS).join(', ')}`,
      ...violations.map((violation) => `  ${violation}`),
      ...lines.slice(0, SHOWN_LINES).map((line) => `    ${line}`),
      ...(lines.length > SHOWN_LINES ? [`    and ${lines.length - SHOWN_LINES} more`] : []),
    );
  }
  return texts.join('\n');
}

if (SEED !== undefined) {
  test(`the history of seed ${SEED}`, async () => {
    const { report, events } = await play(Number(SEED), Number(SEED), 'log');
    console.log(events);
    assert.is(report.failed, 0, Object.values(report.shortest)[0]?.violations.join('\n'));
  });
} else {
  test(`${HISTORIES} histories break no promise of the model`, async () => {
    const reports: Report[] = [];
    let next = 1;
    const run = async () => {
      while (next <= HISTORIES) {
        const first = next;
        next = Math.min(HISTORIES, first + AT_ONCE - 1) + 1;
        reports.push((await play(first, next - 1)).report);
      }
    };
    await Promise.all(Array.from({ length: Math.min(4, availableParallelism()) }, run));
    const sum = (count: (report: Report) => number) => reports.reduce((total, report) => total + count(report), 0);
    assert.is(
      sum(({ histories }) => histories),
      HISTORIES,
    );
    assert.is(
      sum(({ failed }) => failed),
      0,
      await describe(reports),
    );
    assert.ok(sum(({ served }) => served) > HISTORIES, 'vectors were served and checked');
  });

  test('a seed plays the same again', async () => {
    const [one, other] = await Promise.all([play(7, 12, 'log'), play(7, 12, 'log')]);
    assert.is(one.events, other.events);
    assert.match(one.events, 'embed');
  });
}

test.run();
