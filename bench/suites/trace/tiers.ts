import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { setTimeout as sleep } from 'node:timers/promises';
import { CHANNELS, createCache, HybridBackend, MemoryBackend, type TiersEvent } from 'vecstash';
import { RedisBackend } from 'vecstash/redis';
import { startRedis } from '../../../test/support/redis-server.js';
import type { FigureTable } from '../../tables.js';
import { gaussianVectors } from '../../vectors.js';
import { type Ask, DAY } from './day.js';

const DIMENSIONS = 384;

/** Texts of one request. */
const BATCH = 10;

/** Requests under way at once at most. */
const AT_ONCE = 16;

/** What the near tier may take: a few thousand of the day's records. */
const L1_BYTES = 32 * 2 ** 20;

export interface TiersOptions {
  /** What the day is made to take, in milliseconds. */
  durationMs: number;
  seed: number;
}

/** Replays a day, fast, through memory before a real Redis: lives are shortened by as much as the day is. */
export async function replayTiers(asks: Iterable<Ask>, { durationMs, seed }: TiersOptions): Promise<FigureTable> {
  const redis = await startRedis();
  const faster = DAY / durationMs;
  const backend = new HybridBackend(new MemoryBackend({ maxBytes: L1_BYTES }), new RedisBackend(redis.url), {
    l1Ttl: (6 * 3_600_000) / faster,
  });
  const cache = createCache({ backend, ttl: DAY, readTimeout: 5000 });
  // Which vector a text has does not matter here; that each has the bytes of one does.
  const vectors = gaussianVectors(1000, DIMENSIONS, seed);
  const embeddings = cache.embeddings('texts', {
    model: 'made',
    dimensions: DIMENSIONS,
    embed: async (texts) => texts.map((text) => vectors[Number(text) % vectors.length] as Float32Array),
  });
  const counts = { keys: 0, l1: 0, l2: 0 };
  const onTiers = (message: unknown) => {
    const { keys, l1, queued, l2 } = message as TiersEvent;
    counts.keys += keys;
    counts.l1 += l1 + queued;
    counts.l2 += l2;
  };
  subscribe(CHANNELS.tiers, onTiers);
  const startedAt = performance.now();
  let late = 0;
  const underWay = new Set<Promise<unknown>>();
  try {
    for (const batch of batchesOf(asks)) {
      const due = startedAt + batch.at / faster;
      late = Math.max(late, performance.now() - due);
      if (due > performance.now() + 1) await sleep(due - performance.now());
      const answered = embeddings.embed(batch.texts).finally(() => underWay.delete(answered));
      underWay.add(answered);
      if (underWay.size >= AT_ONCE) await Promise.race(underWay);
    }
    await Promise.all(underWay);
  } finally {
    unsubscribe(CHANNELS.tiers, onTiers);
    await cache.close();
    await redis.stop();
  }
  const beyond = counts.keys - counts.l1;
  return {
    id: 'tiers',
    title: `a day in ${Math.round((performance.now() - startedAt) / 1000)} s, ${BATCH} texts a request (at most ${late.toFixed(0)} ms behind)`,
    columns: [
      { key: 'what', head: 'tier' },
      { key: 'asked', head: 'keys asked', digits: 0 },
      { key: 'hits', head: 'hits', digits: 0 },
      { key: 'rate', head: 'hit rate %', digits: 1 },
      { key: 'wanted', head: 'wanted' },
    ],
    rows: [
      {
        what: 'L1, memory',
        asked: counts.keys,
        hits: counts.l1,
        rate: (100 * counts.l1) / counts.keys,
        wanted: '> 70',
      },
      {
        what: 'L2, Redis, of the rest',
        asked: beyond,
        hits: counts.l2,
        rate: (100 * counts.l2) / beyond,
        wanted: '> 20',
      },
      {
        what: 'both',
        asked: counts.keys,
        hits: counts.l1 + counts.l2,
        rate: (100 * (counts.l1 + counts.l2)) / counts.keys,
      },
    ],
  };
}

function* batchesOf(asks: Iterable<Ask>): Generator<{ at: number; texts: string[] }> {
  let texts: string[] = [];
  for (const { at, text } of asks) {
    texts.push(String(text));
    if (texts.length < BATCH) continue;
    yield { at, texts };
    texts = [];
  }
}
