/**
 * What a stranger does: the install lines of the README and the docs in empty projects, then the
 * README's program. npm gets every package from a registry on this machine
 * (test/support/local-registry.ts), vecstash itself from the packed tarball.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { docBlocks } from '../support/doc-blocks.js';
import { docPages } from '../support/doc-pages.js';
import { startEmbeddingApi } from '../support/embedding-api.js';
import { type LocalRegistry, startRegistry } from '../support/local-registry.js';
import { type PackedProject, packProject } from '../support/packed-project.js';
import { startRedis } from '../support/redis-server.js';
import { run } from '../support/run-script.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const commands = docPages(root)
  .flatMap((page) => docBlocks(root, page))
  .filter(({ language, code }) => language === 'sh' && code.startsWith('npm install'));

const test = suite<{ project: PackedProject; registry: LocalRegistry; cache: string }>('install');

test.before(async (context) => {
  context.project = packProject();
  context.cache = mkdtempSync(join(tmpdir(), 'vecstash-npm-'));
  const installed = join(context.project.folder, 'node_modules');
  context.registry = await startRegistry(join(root, 'node_modules'), [
    join(installed, 'vecstash'),
    ...context.project.addons,
  ]);
});

test.after(({ project, registry, cache }) => {
  project?.remove();
  registry?.stop();
  if (cache) rmSync(cache, { recursive: true, force: true });
});

for (const { page, line, code } of commands) {
  test(`${page}:${line} installs: ${code}`, async ({ registry, cache }) => {
    const folder = mkdtempSync(join(tmpdir(), 'vecstash-stranger-'));
    const [redis, api] = await Promise.all([startRedis(), startEmbeddingApi()]);
    const env = {
      ...process.env,
      npm_config_registry: registry.url,
      npm_config_cache: cache,
      npm_config_noproxy: '127.0.0.1',
      npm_config_audit: 'false',
      npm_config_update_notifier: 'false',
      REDIS_URL: redis.url,
      OPENAI_API_KEY: 'none',
      OPENAI_BASE_URL: api.url,
    };
    try {
      writeFileSync(join(folder, 'package.json'), '{ "private": true, "type": "module" }\n');
      const installed = await run('npm', code.split(/\s+/).slice(1), { cwd: folder, env });
      assert.is(installed.code, 0, installed.stderr);
      assert.not.match(installed.stderr, /vecstash/, 'npm warns of us');
      if (page !== 'README.md') return;

      assert.is((await run('npm', ['install', 'openai'], { cwd: folder, env })).code, 0);
      const program = docBlocks(root, page).find(({ language }) => language === 'ts');
      const options = { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2022 };
      const { outputText } = ts.transpileModule(program?.code ?? '', { compilerOptions: options });
      writeFileSync(join(folder, 'main.js'), outputText);
      const first = await run(process.execPath, ['main.js'], { cwd: folder, env });
      assert.is(first.stdout.trim(), program?.prints, first.stderr);
      const second = await run(process.execPath, ['main.js'], { cwd: folder, env });
      assert.is(second.stdout.trim(), '3 vectors: 2 from the cache, 0 from the model', second.stderr);
    } finally {
      rmSync(folder, { recursive: true, force: true });
      api.stop();
      await redis.stop();
    }
  });
}

test('there are install lines', () => assert.ok(commands.length >= 3));

test.run();
