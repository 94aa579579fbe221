import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { emit } from '../../src/events.js';
import {
  createMetrics,
  type EventLogger,
  type EventTracer,
  logEvents,
  ObservableCache,
  traceEvents,
  watchAlerts,
} from '../../src/observability/index.js';
import { CacheService } from '../../src/service/service.js';
import { until } from '../../src/testing/until.js';
import { bytesOf, prf } from '../support/prf.js';
import { ManualClock } from './manual-clock.js';

// What an application gives to be told of something may be broken in any way: nothing of vecstash fails by it, and nothing is left
// unhandled.
const test = suite('broken listeners');
const DIMENSIONS = 8;
const unhandled: unknown[] = [];
const note = (error: unknown) => void unhandled.push(error);

test.before.each(() => {
  process.on('unhandledRejection', note).on('uncaughtException', note);
});
test.after.each(() => {
  process.off('unhandledRejection', note).off('uncaughtException', note);
});

const BROKEN: Record<string, () => unknown> = {
  throws: () => {
    throw new Error('broken');
  },
  'throws nothing': () => {
    throw undefined;
  },
  rejects: () => Promise.reject(new Error('broken')),
  'rejects later': () =>
    new Promise((_, reject) => {
      setImmediate(() => reject(new Error('broken')));
    }),
  'returns what throws when it is waited for': () => ({
    // biome-ignore lint/suspicious/noThenProperty: what an application may return
    then() {
      throw new Error('broken');
    },
  }),
  'returns what rejects with something that throws': () =>
    Promise.reject(
      new Proxy(new Error('broken'), {
        get() {
          throw new Error('broken');
        },
      }),
    ),
};

/** Everything that a cache tells. */
async function useEverything(): Promise<void> {
  const cache = createCache({ backend: new MemoryBackend() });
  const docs = cache.embeddings('docs', {
    model: 'm',
    dimensions: DIMENSIONS,
    embed: async (texts: string[], { usage }) => {
      usage(10);
      return texts.map((text) => prf(text, DIMENSIONS));
    },
  });
  for (let round = 0; round < 2; round++)
    assert.equal(
      (await docs.embed(['a', 'b'])).map(bytesOf),
      ['a', 'b'].map((text) => bytesOf(prf(text, DIMENSIONS))),
    );
  await docs.clear();
  emit('failure', () => ({ namespace: 'docs', operation: 'read', error: 'x' }));
  for (const state of ['open', 'closed'] as const) emit('breaker', () => ({ id: -1, what: 'reads', state }));
  emit('tiers', () => ({ keys: 1, l1: 1, queued: 0, l2: 0 }));
}

/** What was left unhandled is told in a later turn. */
async function assertQuiet(): Promise<void> {
  for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  assert.is(unhandled.splice(0).length, 0, 'unhandled');
}

for (const [how, broken] of Object.entries(BROKEN)) {
  test(`a logger that ${how}`, async () => {
    for (const isLevelEnabled of [() => true, broken as () => boolean]) {
      const logger = { debug: broken, warn: broken, error: broken, isLevelEnabled } as unknown as EventLogger;
      const stop = logEvents(logger);
      await useEverything();
      stop();
    }
    await assertQuiet();
  });

  test(`a tracer that ${how}, or whose spans do`, async () => {
    const spans = { setStatus: broken, end: broken };
    for (const tracer of [{ startSpan: broken }, { startSpan: () => spans }]) {
      const stop = traceEvents(tracer as unknown as EventTracer);
      await useEverything();
      stop();
    }
    await assertQuiet();
  });

  test(`a size that ${how}`, async () => {
    const metrics = createMetrics({ sizes: { broken: broken as () => number, sound: () => 7 } });
    await useEverything();
    assert.match(await metrics.text(), 'cache_size_bytes{namespace="sound"} 7');
    metrics.stop();
    await assertQuiet();
  });

  test(`metrics of an ObservableCache that ${how}`, async () => {
    const service = new CacheService(new MemoryBackend(), { text: { dimensions: DIMENSIONS } });
    const observable = new ObservableCache(service, { metrics: { countServiceCall: broken } });
    await observable.setTextEmbedding('a', prf('a', DIMENSIONS));
    assert.is(bytesOf(await observable.getTextEmbedding('a')), bytesOf(prf('a', DIMENSIONS)));
    await observable.setTextEmbedding('a', []).then(
      () => assert.unreachable(),
      (error) => assert.is(error.code, 'INVALID_INPUT'),
    );
    await observable.close();
    await assertQuiet();
  });

  test(`an onAlert that ${how}`, async () => {
    const clock = new ManualClock();
    const watcher = watchAlerts({ onAlert: broken, every: '1s' }, clock);
    emit('queue', () => ({
      ...{ id: -2, queued: 100, queuedBytes: 100, maxBytes: 100 },
      ...{ written: 0, dropped: 50, failures: 0, closed: false },
    }));
    await clock.advance(600_000);
    const isThenable = how !== 'returns what throws when it is waited for';
    await until('it is counted', () => watcher.undelivered > 0 || !isThenable);
    watcher.stop();
    await assertQuiet();
  });

  test(`an onProgress that ${how}`, async () => {
    const embed = async (texts: string[]) => texts.map((text) => prf(text, DIMENSIONS));
    const service = new CacheService(new MemoryBackend(), {
      text: { dimensions: DIMENSIONS, embed },
      warming: { scheduled: false, onProgress: broken as () => void },
    });
    await service.getSearchResults('user', 'a query');
    const report = await service.warmPopularQueries({ onProgress: broken as () => void });
    assert.equal([report.outcome, report.computed], ['done', 1]);
    await service.close();
    await assertQuiet();
  });
}

test.run();
