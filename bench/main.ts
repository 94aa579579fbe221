// npm run bench -- --suite lookups --json FILE
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import Table from 'cli-table3';
import { Command, Option } from 'commander';
import { regressions } from './gate.js';
import type { Measurement } from './interleave.js';
import type { Suite, SuiteResult } from './suite.js';
import { terminalTable } from './tables.js';

// One alone is loaded: what the others bring along makes for more to look through whenever garbage is collected.
const suites: Record<string, () => Promise<Suite>> = {
  backends: async () => (await import('./suites/backends.js')).backends,
  codec: async () => (await import('./suites/codec.js')).codec,
  endpoint: async () => (await import('./suites/endpoint.js')).endpoint,
  lookups: async () => (await import('./suites/lookups.js')).lookups,
  micro: async () => (await import('./suites/micro.js')).micro,
  million: async () => (await import('./suites/million.js')).million,
  peers: async () => (await import('./suites/peers.js')).peers,
  serve: async () => (await import('./suites/serve.js')).serve,
  trace: async () => (await import('./suites/trace.js')).trace,
};

const flags = new Command('npm run bench --')
  .addOption(new Option('--suite <name>', 'what to measure').choices(Object.keys(suites)).default('lookups'))
  .option('--json <file>', 'write what was measured to this file')
  .option('--short', 'fewer rounds, for CI', false)
  .option('--check', 'fail where a ratio fell too far below the committed one (bench/baseline.json)', false)
  .option('--only <text>', 'only contenders whose name holds this text')
  .allowExcessArguments(false)
  .parse()
  .opts<{ suite: string; json?: string; short: boolean; check: boolean; only?: string }>();

const suite = await (suites[flags.suite] as () => Promise<Suite>)();
const result = await suite({ short: flags.short, ...(flags.only && { only: flags.only }) });
print(result);
if (flags.json !== undefined) {
  const machine = {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    cpu: cpus()[0]?.model,
    cores: cpus().length,
  };
  mkdirSync(dirname(flags.json), { recursive: true });
  writeFileSync(flags.json, `${JSON.stringify({ ...result, machine }, null, 2)}\n`);
}
if (flags.check) {
  const fallen = regressions(result);
  for (const line of fallen) console.error(`regression: ${line}`);
  if (fallen.length > 0) process.exitCode = 1;
  else console.log('gate: every ratio is within the margin of the committed one');
}

function print({ suite, about, measurements, ratios, tables = [] }: SuiteResult): void {
  console.log(`\n${suite}: ${about}`);
  if (measurements.length > 0) console.log(timesTable(measurements));
  for (const table of tables) console.log(terminalTable(table));
  console.log('');
  for (const [name, ratio] of Object.entries(ratios)) console.log(`${name}: ${ratio.toFixed(2)}x`);
}

function timesTable(measurements: Measurement[]): string {
  const table = new Table({
    head: ['', 'p50 ms', 'p95 ms', 'p99 ms', 'busy ms', 'CPU ms', 'bytes a vector'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right'],
    style: { head: [], border: [], compact: true },
  });
  for (const { name, p50, p95, p99, busy, cpu, bytesPerVector } of measurements) {
    const times = [p50, p95, p99, busy, cpu].map((time) => time.toFixed(2));
    table.push([name, ...times, bytesPerVector?.toFixed(0) ?? '']);
  }
  return table.toString();
}
