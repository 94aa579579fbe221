import { Miniflare } from 'miniflare';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bundleWorker, OLDEST, workerModules } from '../support/worker.js';

test('the adapters of LangChain and the AI SDK in a Worker', async () => {
  const { code } = await bundleWorker({ entry: new URL('worker-entry.mjs', import.meta.url) });
  const runtime = new Miniflare({
    modules: workerModules(code),
    ...OLDEST,
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
