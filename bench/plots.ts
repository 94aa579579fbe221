// npm run plots -- FILE.json: the pictures of docs/codec.md, from what the codec suite wrote.
import { readFileSync } from 'node:fs';
import { Command } from 'commander';
import { draw } from './plots/draw.js';
import { againstError } from './plots/error.js';
import { pointsOf } from './plots/points.js';
import { againstSpeed } from './plots/speed.js';
import type { SuiteResult } from './suite.js';

const [file] = new Command('npm run plots --').argument('<file>', 'what the codec suite wrote').parse()
  .processedArgs as [string];
const points = pointsOf(JSON.parse(readFileSync(file, 'utf8')) as SuiteResult);

await draw({
  'docs/codec/bytes-against-error.svg': againstError(points),
  'docs/codec/bytes-against-speed.svg': againstSpeed(points),
});
