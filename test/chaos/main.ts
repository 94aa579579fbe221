// npm run chaos [-- NAME...] [--seed S] [--quick] [--json FILE]
import { randomInt } from 'node:crypto';
import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname } from 'node:path';
import Table from 'cli-table3';
import { Command, Option } from 'commander';
import { nativeMissing } from '../support/engines.js';
import { type Engine, playInChild } from './child.js';
import type { Result } from './scenario.js';
import { loadScenario, scenarioNames } from './scenarios.js';

interface Flags {
  seed: string;
  quick: boolean;
  engine?: Engine;
  only?: string;
  json?: string;
}

interface Row extends Result {
  scenario: string;
  engine: Engine;
}

const command = new Command('npm run chaos --')
  .argument('[name...]', `which scenarios: ${scenarioNames.join(', ')}; all unless named`)
  .option('--seed <number>', 'plays what this seed drew again', String(randomInt(2 ** 31)))
  .option('--quick', 'the form that npm test plays: seconds, and no goals that are times', false)
  .addOption(new Option('--engine <name>', 'on this engine alone').choices(['auto', 'off']))
  .option('--only <text>', 'only variants whose name holds this text')
  .option('--json <file>', 'write the figures to this file')
  .parse();
const flags = command.opts<Flags>();
const names = command.args.length > 0 ? command.args : scenarioNames;
const seed = Number(flags.seed);

console.log(`seed ${seed} (replay: npm run chaos -- ${command.args.join(' ')} --seed ${seed})`);
const rows: Row[] = [];
for (const name of names) {
  const scenario = await loadScenario(name);
  console.log(`\n${name}: ${scenario.about}`);
  for (const engine of enginesOf(scenario.onBothEngines ?? false)) {
    const results = await playInChild({
      name,
      engine,
      seed,
      isLong: !flags.quick,
      ...(flags.only && { only: flags.only }),
    });
    for (const result of results) {
      rows.push({ scenario: name, engine, ...result });
      console.log(`  ${lineOf(result)}`);
    }
  }
}
const failed = rows.filter(({ missed }) => missed.length > 0);
printTable();
if (flags.json !== undefined) write(flags.json);
console.log(`${rows.length} played, ${failed.length} missed a goal (seed ${seed})`);
if (failed.length > 0 || rows.length === 0) process.exitCode = 1;

function enginesOf(isOnBoth: boolean): Engine[] {
  if (flags.engine) return [flags.engine];
  return isOnBoth && nativeMissing === undefined ? ['auto', 'off'] : ['auto'];
}

function lineOf({ variant, seconds, missed }: Result): string {
  return `${missed.length === 0 ? 'ok  ' : 'FAIL'} ${variant} (${seconds.toFixed(1)} s)`;
}

function figuresOf({ figures }: Result): string {
  return Object.entries(figures)
    .map(([figure, value]) => `${figure} ${Number.isInteger(value) ? value : value.toFixed(3)}`)
    .join(', ');
}

function printTable(): void {
  const table = new Table({
    head: ['scenario', 'variant', 'engine', 'figures', ''],
    colWidths: [null, null, null, 70, 40],
    wordWrap: true,
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) {
    const verdict = row.missed.length === 0 ? 'ok' : `FAIL: ${row.missed.join('; ')}`;
    table.push([row.scenario, row.variant, row.engine, figuresOf(row), verdict]);
  }
  console.log(`\n${table.toString()}`);
}

function write(file: string): void {
  const machine = { node: process.version, platform: `${process.platform} ${process.arch}`, cpu: cpus()[0]?.model };
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ seed, form: flags.quick ? 'quick' : 'long', machine, rows }, null, 2)}\n`);
}
