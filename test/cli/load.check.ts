/**
 * npm run check:serve; VECSTASH_REQUESTS=5000 makes it shorter, VECSTASH_SEED draws others,
 * VECSTASH_SOAK=7200 adds a load of so many seconds.
 */
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { type LoadFigures, mixedLoad } from './load.js';

const REQUESTS = Number(process.env.VECSTASH_REQUESTS ?? 100_000);
const SEED = Number(process.env.VECSTASH_SEED ?? 20261130);
const SOAK = Number(process.env.VECSTASH_SOAK ?? 0);

const test = suite('vecstash serve under a mixed load');

test(`${REQUESTS} requests: no wrong vector, no hang, each distinct input asked once, flat memory`, async () => {
  const figures = await mixedLoad({ requests: REQUESTS, seed: SEED });
  assertSound(figures);
  assert.is(figures.askedTwice, 0);
  assertFlat(figures, 1.3);
});

// Entries end and are asked for again all the time, and after ten minutes all there is was asked for.
if (SOAK > 0) {
  test(`${SOAK} seconds: no wrong vector, no hang, flat memory`, async () => {
    const args = ['--ttl', '30s'];
    const figures = await mixedLoad({ requests: 1e9, seconds: SOAK, seed: SEED + 1, pool: 20_000, args });
    assertSound(figures);
    assertFlat(figures, 1.1);
  });
}

function assertSound({ memory, ...figures }: LoadFigures): void {
  console.log(JSON.stringify(figures));
  const { wrong, hangs, failed } = figures;
  assert.equal({ wrong, hangs, failed }, { wrong: 0, hangs: 0, failed: 0 });
}

/** The second half of the load takes at most so many times the memory of the first, and 32 MiB. */
function assertFlat({ memory }: LoadFigures, times: number): void {
  const half = Math.floor(memory.length / 2);
  const [first, second] = [memory.slice(0, half), memory.slice(half)].map((some) => Math.max(0, ...some));
  console.log(
    `MiB, every ${Math.ceil(memory.length / 60)}0 s: ${memory.filter((_, i) => i % Math.ceil(memory.length / 60) === 0)}`,
  );
  assert.ok((second ?? 0) <= (first ?? 0) * times + 32, `${memory} MiB`);
}

test.run();
