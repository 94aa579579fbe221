import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** What the built package makes of `script`, which has both of its builds. */
function inBoth(script: string, folder: string): unknown {
  const { REDIS_URL, KV_REST_API_URL, UPSTASH_REDIS_REST_URL, ...rest } = process.env;
  const head = `
    import { createRequire } from 'node:module';
    import * as esm from 'vecstash/service';
    const cjs = createRequire(process.cwd() + '/')('vecstash/service');
  `;
  const env = { ...rest, VECSTASH_PATH: join(folder, 'cache.sqlite') };
  const args = ['--input-type=module', '-e', `${head}${script}`];
  return JSON.parse(execFileSync(process.execPath, args, { cwd: root, env, encoding: 'utf8' }));
}

test('ESM and CJS of the package have one service in a process, and either can end it', () => {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-copies-'));
  try {
    const seen = inBoth(
      `
      const text = { model: 'm', dimensions: 2, embed: async (texts) => texts.map((text) => [1, text.length]) };
      const first = esm.getCacheService({ text });
      const isOne = first === cjs.getCacheService();
      const [vector] = await cjs.getCacheService().embedTexts(['abc']);
      await cjs.resetCacheService();
      const ended = await first.health();
      const second = cjs.getCacheService({ text });
      const isNew = second !== first && second === esm.getCacheService();
      await esm.resetCacheService();
      console.log(JSON.stringify({ isOne, vector: [...vector], ended: ended.detail, isNew, last: (await second.health()).detail }));
      `,
      folder,
    );
    assert.equal(seen, { isOne: true, vector: [1, 3], ended: 'closed', isNew: true, last: 'closed' });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

test.run();
