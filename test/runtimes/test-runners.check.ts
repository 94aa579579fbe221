import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startRedis } from '../support/redis-server.js';
import { installForRuntimes, nodeOf } from './project.js';

const test = suite('test runners');
const redis = await startRedis();
const consumer = await installForRuntimes('jest', 'jest-29', 'jest-environment-jsdom', 'vitest');
test.after(async () => {
  consumer.remove();
  await redis.stop();
});

const IMPORTS = `
  import * as vecstash from 'vecstash';
  import { RedisBackend } from 'vecstash/redis';
  import { SqliteBackend } from 'vecstash/sqlite';
  import register from '../suite.cjs';`;

const jestConfig = (more: object) =>
  `module.exports = ${JSON.stringify({ moduleFileExtensions: ['js', 'cjs', 'mjs', 'json'], ...more })};`;

consumer.write({
  'jest/cjs.test.cjs': `
    const vecstash = require('vecstash');
    const { RedisBackend } = require('vecstash/redis');
    const { SqliteBackend } = require('vecstash/sqlite');
    require('../suite.cjs')({ vecstash, RedisBackend, SqliteBackend, test, afterEach, timers: jest });`,
  'jest/esm.test.mjs': `${IMPORTS}
    import { jest } from '@jest/globals';
    register({ vecstash, RedisBackend, SqliteBackend, test, afterEach, timers: jest });`,
  'vitest/esm.test.mjs': `${IMPORTS}
    import { afterEach, test, vi } from 'vitest';
    register({ vecstash, RedisBackend, SqliteBackend, test, afterEach, timers: vi });`,
  'jest.config.cjs': jestConfig({ testMatch: ['**/jest/*.test.{cjs,mjs}'] }),
  // ioredis needs process.nextTick.
  'faked.config.cjs': jestConfig({
    testMatch: ['**/jest/*.test.{cjs,mjs}'],
    fakeTimers: { enableGlobally: true, doNotFake: ['nextTick'] },
  }),
});

const native = consumer.isNative ? 'native' : 'portable';

async function assertPasses(args: string[], env: Record<string, string> = {}): Promise<void> {
  const printed = await consumer.run(nodeOf(consumer), args, {
    REDIS_URL: redis.url,
    FOLDER: consumer.folder,
    NAMESPACE: 'runners',
    ENGINE: native,
    NO_COLOR: '1',
    ...env,
  });
  assert.match(printed, /Tests:? +[68] passed/, printed);
}

const jest = (file: string, ...args: string[]) => [
  '--experimental-vm-modules',
  'node_modules/jest/bin/jest.js',
  `jest/${file}`,
  ...args,
];

test('Jest, CommonJS', () => assertPasses(jest('cjs')));
test('Jest, ESM', () => assertPasses(jest('esm')));
test('Jest, CommonJS in jsdom', () => assertPasses(jest('cjs', '--env=jsdom')));
// ESM follows the package's condition `browser` there, where no addon is.
test('Jest, ESM in jsdom', () => assertPasses(jest('esm', '--env=jsdom'), { ENGINE: 'portable' }));
for (const file of ['cjs', 'esm'])
  test(`Jest, ${file}, with timers that are faked before anything is loaded`, () =>
    assertPasses(jest(file, '--config', 'faked.config.cjs'), { ARE_TIMERS_FAKED: 'yes' }));
test('Jest 29, CommonJS', () => assertPasses(['node_modules/jest-29/bin/jest.js', 'jest/cjs']));

const vitest = (...args: string[]) => ['node_modules/vitest/vitest.mjs', 'run', 'vitest/', ...args];

for (const pool of ['forks', 'threads', 'vmThreads', 'vmForks'])
  test(`Vitest, ${pool}`, () => assertPasses(vitest(`--pool=${pool}`)));
for (const pool of ['forks', 'vmThreads'])
  test(`Vitest in jsdom, ${pool}`, () => assertPasses(vitest('--environment=jsdom', `--pool=${pool}`)));

test.run();
