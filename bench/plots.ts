// npm run plots -- FILE.json: the pictures of docs/codec.md, from what the codec suite wrote.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import { againstError } from './plots/error.js';
import { pointsOf } from './plots/points.js';
import { againstSpeed } from './plots/speed.js';
import type { SuiteResult } from './suite.js';

/** Not among the dependencies: only who draws needs them, and npx fetches them then. */
const VEGA = ['-p', 'vega@5.33.0', '-p', 'vega-lite@5.23.0'];
const FOLDER = 'docs/codec';

const [file] = new Command('npm run plots --').argument('<file>', 'what the codec suite wrote').parse()
  .processedArgs as [string];
const points = pointsOf(JSON.parse(readFileSync(file, 'utf8')) as SuiteResult);

mkdirSync(FOLDER, { recursive: true });
for (const [name, spec] of Object.entries({ error: againstError(points), speed: againstSpeed(points) })) {
  draw(spec, join(FOLDER, `bytes-against-${name}.svg`));
}

function draw(spec: object, svg: string): void {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-plots-'));
  try {
    const source = join(folder, 'spec.json');
    writeFileSync(source, JSON.stringify(spec));
    const { status } = spawnSync('npx', ['-y', ...VEGA, 'vl2svg', source, svg], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    if (status !== 0) throw new Error(`vl2svg did not draw ${svg}`);
    console.log(svg);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
