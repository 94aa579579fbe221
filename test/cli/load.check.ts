/** npm run check:serve; VECSTASH_REQUESTS=5000 makes it shorter, VECSTASH_SEED draws others. */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mixedLoad } from './load.js';

const REQUESTS = Number(process.env.VECSTASH_REQUESTS ?? 100_000);
const SEED = Number(process.env.VECSTASH_SEED ?? 20261130);

const test = suite('vecstash serve under a mixed load');

test(`${REQUESTS} requests: no wrong vector, no hang, each distinct input asked once, flat memory`, async () => {
  const figures = await mixedLoad(REQUESTS, SEED);
  console.log(JSON.stringify(figures));
  const { wrong, hangs, failed, askedTwice } = figures;
  assert.equal({ wrong, hangs, failed, askedTwice }, { wrong: 0, hangs: 0, failed: 0, askedTwice: 0 });
  const half = Math.floor(figures.memory.length / 2);
  const most = (some: number[]) => Math.max(0, ...some);
  assert.ok(
    most(figures.memory.slice(half)) <= most(figures.memory.slice(0, half)) * 1.3 + 32,
    `${figures.memory} MiB`,
  );
});

test.run();
