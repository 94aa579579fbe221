import { once } from 'node:events';
import { cpSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { packProject } from '../support/packed-project.js';
import { startRedis } from '../support/redis-server.js';

const test = suite('worker threads');
const redis = await startRedis();
const project = packProject();
for (const name of ['job.cjs', 'worker.mjs'])
  cpSync(fileURLToPath(new URL(name, import.meta.url)), join(project.folder, name));
const { assertVectors } = createRequire(import.meta.url)('./job.cjs') as {
  assertVectors(vectors: Float32Array[], texts: string[], what: string): void;
};
test.after(async () => {
  project.remove();
  await redis.stop();
});

interface Embedded {
  vectors: Float32Array[];
  asked: string[];
}

const COUNT = 400;
const texts = Array.from({ length: COUNT }, (_, i) => `text ${i}`);

function start(task: 'embed' | 'hang' | 'work', namespace: string, count = COUNT): Worker {
  const workerData = { task, url: redis.url, namespace: `${namespace}-${process.pid}`, count };
  return new Worker(join(project.folder, 'worker.mjs'), { workerData, execArgv: [] });
}

/** What a worker that embeds sends, once it has ended well. */
async function embedded(worker: Worker): Promise<Embedded> {
  const ended = once(worker, 'exit');
  const [told] = (await once(worker, 'message')) as [Embedded];
  assert.equal(await ended, [0]);
  return told;
}

test('several at once over one Redis: each text is embedded once, and vectors are transferred', async () => {
  const all = await Promise.all(Array.from({ length: 4 }, () => embedded(start('embed', 'several'))));
  for (const { vectors } of all) assertVectors(vectors, texts, 'in the main thread');
  assert.equal(all.flatMap(({ asked }) => asked).sort(), [...texts].sort());
});

test('one that is terminated in the middle of an embed leaves its texts to another', async () => {
  const first = start('hang', 'left');
  assert.equal(await once(first, 'message'), ['computing']);
  const second = embedded(start('embed', 'left'));
  await first.terminate();
  const { vectors, asked } = await second;
  assertVectors(vectors, texts, 'of the second');
  assert.is(asked.length, COUNT);
});

test('those that are terminated at work take nobody with them', async () => {
  for (let round = 0; round < 2; round++) {
    const workers = [start('work', 'busy', 2000), start('work', 'busy', 2000)];
    await Promise.all(workers.map((worker) => once(worker, 'message')));
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  const { vectors } = await embedded(start('embed', 'busy'));
  assertVectors(vectors, texts, 'of one that came later');
});

test.run();
