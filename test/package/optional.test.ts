import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
// @ts-expect-error a script without types
import { packMain } from '../../scripts/tarballs/pack.mjs';
import { lz4Blocks, zstdFrames } from '../support/compressors.js';
import { runNode } from '../support/run-script.js';
import { skipped } from '../support/skip.js';

// What an application has that installed vecstash, and some of the optional packages.
const test = suite('optional packages');
const root = fileURLToPath(new URL('../..', import.meta.url));
const unpacked = mkdtempSync(join(tmpdir(), 'vecstash-packed-'));
execFileSync('tar', ['-xzf', packMain(unpacked), '-C', unpacked]);
const packed = join(unpacked, 'package');
test.after(() => rmSync(unpacked, { recursive: true, force: true }));

const require = createRequire(import.meta.url);
const hasNodeSqlite = isThere('node:sqlite');
const hasNodeZstd = 'zstdDecompressSync' in require('node:zlib');

/** Whether it is installed and loads, for this Node. */
function isThere(id: string): boolean {
  try {
    const loaded = require(id);
    if (id === 'better-sqlite3') new loaded(':memory:').close();
    return true;
  } catch {
    return false;
  }
}

/** An application that has these packages, and those of `files` by their text. */
function createApplication(packages: string[], files: Record<string, string> = {}) {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-optional-'));
  const modules = join(folder, 'node_modules');
  cpSync(packed, join(modules, 'vecstash'), { recursive: true });
  for (const name of ['cluster-key-slot', 'lru-cache', 'valibot', ...packages])
    symlinkSync(join(root, 'node_modules', name), join(modules, name));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(modules, path)), { recursive: true });
    writeFileSync(join(modules, path), text);
  }
  return {
    /** Runs a program in it. Its output, as JSON. */
    async run(program: string): Promise<unknown> {
      const { code, stdout, stderr } = await runNode(['--no-warnings', '-e', program], { cwd: folder });
      assert.is(code, 0, stderr);
      return JSON.parse(stdout);
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Runs one program in an application of its own. */
async function inApplication(program: string, packages: string[], files?: Record<string, string>): Promise<unknown> {
  const application = createApplication(packages, files);
  try {
    return await application.run(program);
  } finally {
    application.remove();
  }
}

const sqlite = `
  const { SqliteBackend } = require('vecstash/sqlite');
  (async () => {
    const backend = new SqliteBackend({ path: ':memory:' });
    await backend.setMany([{ key: 'k', value: new Uint8Array([1, 2]) }]);
    const [value] = await backend.getMany(['k']);
    await backend.close();
    return { value: [...value], isPackageLoaded: Object.keys(require.cache).some((path) => path.includes('better-sqlite3')) };
  })().catch((error) => ({ name: error.name, message: error.message, cause: error.cause?.message }))
    .then((result) => console.log(JSON.stringify(result)));
`;

test('SQLite without better-sqlite3: node:sqlite, or one error that says what to do and keeps its cause', async () => {
  const result = (await inApplication(sqlite, [])) as Record<string, string>;
  if (hasNodeSqlite) return assert.equal(result, { value: [1, 2], isPackageLoaded: false });
  assert.is(result.name, 'BackendError');
  assert.match(
    result.message as string,
    /^SqliteBackend needs Node 22.13 or newer, or the package better-sqlite3: npm install better-sqlite3 \(.*\)$/,
  );
  assert.match(result.cause as string, /Cannot find module 'better-sqlite3'/);
});

if (isThere('better-sqlite3')) {
  test('SQLite with better-sqlite3: the package', async () => {
    assert.equal(await inApplication(sqlite, ['better-sqlite3']), { value: [1, 2], isPackageLoaded: true });
  });
} else skipped('better-sqlite3 in an application: it is not built for this Node');

test('SQLite with a better-sqlite3 that was not built: node:sqlite, or why', async () => {
  const result = (await inApplication(sqlite, [], {
    'better-sqlite3/index.js':
      "module.exports = class { constructor() { throw new Error('Could not locate the bindings file') } }",
  })) as Record<string, string>;
  if (hasNodeSqlite) return assert.equal(result.value, [1, 2]);
  assert.match(result.message as string, 'better-sqlite3: Could not locate the bindings file');
  assert.is(result.cause, 'Could not locate the bindings file');
});

/**
 * Asks a service for one text whose vector an older cache compressed; what it migrated, and what
 * its logger was told.
 */
const migrating = (compressed: Uint8Array) => `
  const { MemoryBackend } = require('vecstash');
  const { CacheService } = require('vecstash/service');
  (async () => {
    const from = new MemoryBackend();
    const value = { compressed: true, data: '${Buffer.from(compressed).toString('base64')}' };
    const keys = ['a', 'b'];
    await from.setMany(keys.map((key) => ({ key, value: Buffer.from(JSON.stringify(value)) })));
    const warnings = [];
    const logger = { warn: (_, message) => warnings.push(message) };
    const service = new CacheService(new MemoryBackend(), { text: { dimensions: 8 }, logger, migrate: { from, textKey: (text) => text } });
    for (const key of keys) await service.getTextEmbeddings([key]);
    const { migrated, refused, missing } = service.migration();
    return { migrated, refused, missing, warnings };
  })().then((result) => console.log(JSON.stringify(result)), console.error);
`;

const json = Buffer.from(JSON.stringify(Array.from({ length: 8 }, (_, i) => i + 0.5)));
const size = Buffer.alloc(4);
size.writeUInt32LE(json.length);
const lz4 = Buffer.concat([size, lz4Blocks.compress(json)]);
const isTold = (result: unknown, expected: RegExp) => {
  const { migrated, refused, missing, warnings } = result as Record<string, unknown> & { warnings: string[] };
  assert.equal([migrated, refused, warnings], [0, 2, [missing]]);
  assert.match(missing as string, expected);
};

test('an older cache with lz4: read where lz4-napi is there, else one warning says what to install', async () => {
  const read = await inApplication(migrating(lz4), ['lz4-napi']);
  assert.equal(read, { migrated: 2, refused: 0, warnings: [] });
  isTold(await inApplication(migrating(lz4), []), /npm install lz4-napi$/);
});

// The same frame whatever this Node has: the vector as JSON.
const frame = Buffer.from(
  zstdFrames?.compress(json) ?? (require('node:zlib').zstdCompressSync?.(json) as Uint8Array | undefined) ?? [],
);
if (frame.length > 0) {
  test('an older cache with zstd: read by Node or by zstd-napi, else one warning says what to install', async () => {
    const bare = await inApplication(migrating(frame), []);
    if (hasNodeZstd) assert.equal(bare, { migrated: 2, refused: 0, warnings: [] });
    else isTold(bare, /needs Node 22.15 or newer, or: npm install zstd-napi$/);
  });
} else skipped('an older cache with zstd: nothing here writes it');

if (isThere('zstd-napi') && !hasNodeZstd) {
  test('zstd-napi serves where Node has no zstd', async () => {
    assert.equal(await inApplication(migrating(frame), ['zstd-napi']), { migrated: 2, refused: 0, warnings: [] });
  });
}

/** Says that something of a package was loaded, whichever way it was. */
const spy = (id: string) => `globalThis.loaded = [...(globalThis.loaded ?? []), ${JSON.stringify(id)}]`;

const { exports, peerDependencies, optionalDependencies } = JSON.parse(
  readFileSync(join(packed, 'package.json'), 'utf8'),
) as Record<'exports' | 'peerDependencies' | 'optionalDependencies', Record<string, unknown>>;
const entries = Object.keys(exports)
  .filter((path) => path !== './package.json')
  .map((path) => path.replace('.', 'vecstash'));
const optional = Object.keys({ ...peerDependencies, ...optionalDependencies });
assert.ok(entries.length > 5 && optional.length > 10);

const watched = createApplication([], Object.fromEntries(optional.map((id) => [`${id}/index.js`, spy(id)])));
test.after(() => watched.remove());

for (const [how, load] of [
  ['import', (entry: string) => `import('${entry}')`],
  ['require', (entry: string) => `Promise.resolve(require('${entry}'))`],
] as const) {
  test(`${how} of an entry runs nothing: no addon, no WebAssembly, no optional package, nothing left open`, async () => {
    for (const entry of entries) {
      const program = `
        process.dlopen = () => { ${spy('an addon')} };
        for (const name of ['Module', 'Instance', 'compile', 'instantiate'])
          WebAssembly[name] = function () { ${spy('WebAssembly')} };
        const open = () => process.getActiveResourcesInfo();
        // Opened when first asked for.
        const streams = [process.stdout, process.stderr];
        const before = open();
        ${load(entry)}.then((module) => {
          const names = Object.keys(module).length;
          // Requests are Node's, which reads the module.
          const left = open().filter((resource) => !before.includes(resource) && !resource.endsWith('Req'));
          console.log(JSON.stringify({ hasNames: names > 0, loaded: globalThis.loaded ?? [], left }));
        });`;
      assert.equal(await watched.run(program), { hasNames: true, loaded: [], left: [] }, entry);
    }
  });
}

test('what spies on loading hears of it: the addon is looked for when a codec is made', async () => {
  const [native] = optional.filter((id) => id.includes(`${process.platform}-${process.arch}`));
  const program = `
    require('vecstash/codec').createVectorCodec({ dimensions: 8 });
    console.log(JSON.stringify(globalThis.loaded ?? []));`;
  const loaded = (await watched.run(program)) as string[];
  if (native !== undefined) assert.ok(loaded.length === 1 && loaded[0]?.startsWith('@vecstash/native-'), `${loaded}`);
});

test.run();
