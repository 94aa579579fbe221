/**
 * `@keyv/test-suite` over several backends, with Keyv 5 and with Keyv 6. The suite was written for
 * Keyv 5: of its tests Keyv 6 fails one over its own Map too.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { NODES, nodeOf } from '../runtimes/project.js';
import { installConsumer } from '../support/consumer.js';
import { startRedis } from '../support/redis-server.js';
import { skipped } from '../support/skip.js';

const test = suite('@keyv/test-suite');
const redis = await startRedis();
const consumer = await installConsumer('@keyv/test-suite', 'keyv', 'keyv-6', 'unstorage', 'ioredis-5', ...NODES);
consumer.write({ 'keyv.test.mjs': readFileSync(new URL('keyv-suite.mjs', import.meta.url), 'utf8') });
const node = nodeOf(consumer);
test.after(async () => {
  consumer.remove();
  await redis.stop();
});

/** Keyv 6 returns an array, which is truthy. */
const OF_KEYV_5 = ['.deleteMany([keys]) with nonexistent keys resolves to false'];

interface Report {
  testResults: { assertionResults: { status: string; title: string; fullName: string; failureMessages: string[] }[] }[];
}

async function run(keyv: string) {
  const report = join(consumer.folder, `${keyv}.json`);
  const args = ['run', 'keyv.test.mjs', '--reporter=json', `--outputFile=${report}`];
  const env = { KEYV: keyv, FOLDER: consumer.folder, REDIS_URL: redis.url };
  const output = await consumer
    .run(node, [join('node_modules', 'vitest', 'vitest.mjs'), ...args], env)
    .catch((error: Error) => error.message);
  try {
    const { testResults } = JSON.parse(readFileSync(report, 'utf8')) as Report;
    return testResults.flatMap(({ assertionResults }) => assertionResults);
  } catch {
    throw new Error(output);
  }
}

/** What failed over our backends, and what over a Map. */
async function failuresOf(keyv: string) {
  const results = await run(keyv);
  assert.ok(results.length > 190, String(results.length));
  const failed = results.filter(({ status }) => status !== 'passed');
  const isMap = ({ fullName }: { fullName: string }) => fullName.startsWith('its own Map');
  const ofMap = failed.filter(isMap).map(({ title }) => title);
  const ours = failed.filter((result) => !isMap(result) && !ofMap.includes(result.title));
  return { ofMap, ours: ours.map(({ fullName, failureMessages }) => [fullName, failureMessages]) };
}

test('Keyv 5 passes all of it', async () => {
  assert.equal(await failuresOf('keyv'), { ofMap: [], ours: [] });
});

test('Keyv 6 passes what it passes over a Map', async () => {
  if (node === process.execPath && Number.parseInt(process.versions.node, 10) < 22)
    return skipped('Keyv 6: it needs Node 22');
  assert.equal(await failuresOf('keyv-6'), { ofMap: OF_KEYV_5, ours: [] });
});

test.run();
