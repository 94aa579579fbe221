// Says how much of src the tests reach: node scripts/coverage.mjs [filter of tests...] [--update].
// Without a filter it runs the tests that import src, and fails where a folder has less than
// scripts/coverage.json asks for; --update writes what was measured there, a point lower. Files that
// no test loads do not count.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Report } from 'c8';
import Table from 'cli-table3';

const FLOORS = new URL('coverage.json', import.meta.url);
const KINDS = ['lines', 'branches'];
/** They try the package, a page, a program or Rust: what runs there is not src. */
const NOT_OF_SRC = [
  'bench',
  'bundlers',
  'chaos',
  'compiled',
  'deploy',
  'docs',
  'examples',
  'native',
  'package',
  'support',
];

const root = fileURLToPath(new URL('..', import.meta.url));
process.chdir(root);
const updates = process.argv.includes('--update');
const filters = process.argv.slice(2).filter((arg) => arg !== '--update');
const isWhole = filters.length === 0;

const folder = mkdtempSync(join(tmpdir(), 'vecstash-coverage-'));
try {
  runTests();
  const measured = await coverageOfFolders();
  print(measured);
  if (isWhole && updates) writeFloors(measured);
  else if (isWhole) check(measured);
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function runTests() {
  const all = readdirSync('test').filter((name) => !NOT_OF_SRC.includes(name) && name !== 'run.ts');
  const tests = isWhole ? all.map((name) => `test/${name}`) : filters;
  const args = ['--import', 'tsx', 'test/run.ts', ...tests];
  // Their own failures are the test command's to judge: code that counts is slower, which a few tests
  // feel. A few histories of the simulations reach what all of them do.
  const env = { ...process.env, NODE_V8_COVERAGE: folder, VECSTASH_HISTORIES: '2000', VECSTASH_INTERLEAVINGS: '200' };
  spawnSync(process.execPath, args, { stdio: 'inherit', env });
}

/** A map from the folders of src ('src' holds its own files) to percentages of KINDS; the last is that of all. */
async function coverageOfFolders() {
  const report = new Report({
    include: ['src/**/*.ts'],
    exclude: ['src/dashboard/page/**'],
    extension: ['.ts'],
    tempDirectory: folder,
    reporter: [],
    mergeAsync: true,
  });
  const files = await report.getCoverageMapFromAllCoverageFiles();
  const counts = new Map();
  const count = (name, summary) => {
    if (!counts.has(name)) counts.set(name, new Map(KINDS.map((kind) => [kind, { covered: 0, total: 0 }])));
    for (const [kind, sum] of counts.get(name)) {
      sum.covered += summary[kind].covered;
      sum.total += summary[kind].total;
    }
  };
  for (const file of files.files().sort()) {
    const [, name, ...below] = relative(root, file).split(sep);
    const summary = files.fileCoverageFor(file).toSummary();
    count(below.length === 0 ? 'src' : `src/${name}`, summary);
    count('all', summary);
  }
  const share = ({ covered, total }) => (total === 0 ? 100 : (100 * covered) / total);
  const shares = [...counts].map(([name, sums]) => [name, [...sums.values()].map(share)]);
  return new Map(shares.sort(([a], [b]) => Number(a === 'all') - Number(b === 'all') || (a < b ? -1 : 1)));
}

function print(measured) {
  const table = new Table({
    head: ['', ...KINDS],
    style: { head: [], border: [], compact: true },
    colAligns: ['left', 'right', 'right'],
  });
  for (const [name, shares] of measured) table.push([name, ...shares.map((share) => `${share.toFixed(1)} %`)]);
  console.log(`${table}`);
}

function writeFloors(measured) {
  const floors = [...measured].map(([name, shares]) => [name, shares.map((share) => Math.floor(share - 1))]);
  const lines = floors.map(([name, shares]) => `  ${JSON.stringify(name)}: [${shares.join(', ')}]`);
  writeFileSync(FLOORS, `{\n${lines.join(',\n')}\n}\n`);
}

function check(measured) {
  const floors = JSON.parse(readFileSync(FLOORS, 'utf8'));
  for (const name of Object.keys(floors)) {
    if (!measured.has(name)) fail(`No test loads ${name}: where it is gone, run npm run coverage -- --update`);
  }
  for (const [name, shares] of measured) {
    if (floors[name] === undefined) fail(`${name} is not in scripts/coverage.json: run npm run coverage -- --update`);
    KINDS.forEach((kind, index) => {
      const floor = floors[name]?.[index];
      if (shares[index] < floor)
        fail(`${name}: ${shares[index].toFixed(1)} % of its ${kind} are covered, not ${floor} %`);
    });
  }
}

function fail(problem) {
  console.error(problem);
  process.exitCode = 1;
}
