import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { startRedis } from '../support/redis-server.js';
import { installForRuntimes, NODES } from './project.js';

const test = suite('runtimes');
const redis = await startRedis();
const consumer = await installForRuntimes('deno', 'bun');
test.after(async () => {
  consumer.remove();
  await redis.stop();
});
consumer.write({ 'program.mjs': readFileSync(new URL('program.mjs', import.meta.url), 'utf8') });

// Their install scripts, which were not run, put the binary in its place.
await consumer.run(process.execPath, ['node_modules/deno/install.cjs']);
await consumer.run(process.execPath, ['node_modules/bun/install.js']);

/** By name, what runs a program. */
const RUNTIMES: Record<string, [command: string, ...args: string[]]> = {
  'this Node': [process.execPath],
  ...Object.fromEntries(NODES.map((name) => [name, [join(consumer.folder, 'node_modules', name, 'bin/node')]])),
  Deno: ['deno', 'run', '-A'],
  Bun: ['bun'],
};

const ENGINES = consumer.isNative ? ['native', 'portable'] : ['portable'];
const written: string[] = [];

async function play(name: string, engine: string, env: Record<string, string>): Promise<unknown> {
  const [command, ...args] = RUNTIMES[name] as [string, ...string[]];
  const printed = await consumer.run(command, [...args, 'program.mjs'], {
    REDIS_URL: redis.url,
    FOLDER: consumer.folder,
    VECSTASH_NATIVE: engine === 'native' ? 'require' : 'off',
    ...env,
  });
  return JSON.parse(printed.split('\n').find((line) => line.startsWith('{')) ?? printed);
}

for (const name of Object.keys(RUNTIMES)) {
  for (const engine of ENGINES) {
    test(`${name}, ${engine}: the main job over memory, Redis and SQLite`, async () => {
      const namespace = `${name}-${engine}`.replaceAll(' ', '-').toLowerCase();
      const isOld = name === 'this Node' && Number.parseInt(process.versions.node, 10) < 22;
      assert.equal(await play(name, engine, { NAMESPACE: namespace }), {
        engine,
        sqlite: isOld ? 'not here' : 'served',
      });
      written.push(namespace);
    });
  }
}

for (const name of Object.keys(RUNTIMES)) {
  for (const engine of ENGINES) {
    test(`${name}, ${engine}: reads what each of the others wrote`, async () => {
      assert.is(written.length, ENGINES.length * Object.keys(RUNTIMES).length);
      assert.equal(await play(name, engine, { READ: written.join(',') }), { read: written.length });
    });
  }
}

test.run();
