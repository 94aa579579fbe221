import { readFileSync } from 'node:fs';
import { createRequire, isBuiltin } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createContext, runInContext } from 'node:vm';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packProject } from '../support/packed-project.js';
import { startRedis } from '../support/redis-server.js';
import { forEachDriver } from '../support/sqlite-files.js';

/**
 * What Jest does in jsdom, without Jest: code runs in a context with classes of its own, beside Node's Buffer and modules of the main
 * realm, lacks some globals, and has timers that never fire.
 */
const test = suite('realm');
const redis = await startRedis();
const project = packProject();
test.after(async () => {
  project.remove();
  await redis.stop();
});

const frozen = () => 0;
const timers = Object.fromEntries(
  [
    'setTimeout',
    'setInterval',
    'setImmediate',
    'clearTimeout',
    'clearInterval',
    'clearImmediate',
    'queueMicrotask',
  ].map((name) => [name, frozen]),
);
const context = createContext({
  ...timers,
  process,
  Buffer,
  console,
  URL,
  AbortController,
  AbortSignal,
  performance: { now: frozen },
});
context.globalThis = runInContext('globalThis', context);

const modules = new Map<string, { exports: Record<string, never> }>();

/** Requires a file in the context, and what it requires but for built-in modules and addons. */
function load(file: string): Record<string, never> {
  const known = modules.get(file);
  if (known) return known.exports;
  const native = createRequire(file);
  if (!/\.c?js$/.test(file)) return native(file);
  const module = { exports: {} as Record<string, never> };
  modules.set(file, module);
  const require = Object.assign((id: string) => (isBuiltin(id) ? native(id) : load(native.resolve(id))), native);
  const source = `(function (exports, require, module, __filename, __dirname) {${readFileSync(file, 'utf8')}\n})`;
  const run = runInContext(source, context, { filename: file });
  run(module.exports, require, module, file, dirname(file));
  return module.exports;
}

const from = createRequire(join(project.folder, 'index.cjs'));
const vecstash = load(from.resolve('vecstash')) as Record<string, never>;
const { MemoryBackend } = vecstash as unknown as { MemoryBackend: new () => object };
const { RedisBackend } = load(from.resolve('vecstash/redis')) as unknown as {
  RedisBackend: new (url: string) => object;
};
const { SqliteBackend } = load(from.resolve('vecstash/sqlite')) as unknown as {
  SqliteBackend: new (options: { path: string; driver: string }) => object;
};
const { job } = load(fileURLToPath(new URL('job.cjs', import.meta.url))) as unknown as {
  job(library: object, open: () => object, namespace: string): Promise<{ asked: number }>;
};

function works(name: string, open: () => object): void {
  test(`${name} does the main job in another realm, with fake timers`, async () => {
    assert.is((await job(vecstash, open, `realm-${process.pid}`)).asked, 300);
  });
}

works('MemoryBackend', () => new MemoryBackend());
works('RedisBackend', () => new RedisBackend(redis.url));
forEachDriver('SqliteBackend in another realm', (driver) =>
  works(`SqliteBackend (${driver})`, () => new SqliteBackend({ path: ':memory:', driver })),
);

test.run();
