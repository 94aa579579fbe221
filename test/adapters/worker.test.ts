import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { Miniflare } from 'miniflare';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

test('the adapters of LangChain and the AI SDK in a Worker', async () => {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(new URL('worker-entry.mjs', import.meta.url))],
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'import'],
    external: ['node:*', '*.wasm'],
    write: false,
  });
  const runtime = new Miniflare({
    modules: [
      { type: 'ESModule', path: 'shims/worker.mjs', contents: outputFiles[0]?.text as string },
      {
        type: 'CompiledWasm',
        path: 'native/vecstash.wasm',
        contents: readFileSync(new URL('../../native/vecstash.wasm', import.meta.url)),
      },
    ],
    compatibilityDate: '2024-09-23',
    compatibilityFlags: ['nodejs_compat'],
  });
  try {
    const response = await runtime.dispatchFetch('http://worker/');
    const text = await response.text();
    assert.is(response.status, 200, text);
    const [a, bb] = [
      [1, 1],
      [2, 1],
    ];
    const served = [[a], [bb, a]];
    assert.equal(JSON.parse(text), {
      results: [...served, ...served],
      asked: [['a'], ['bb'], ['a'], ['bb']],
      isEmbeddings: true,
    });
  } finally {
    await runtime.dispose();
  }
});

test.run();
