import { isOf, openChecked, textsOf } from '../../support/chaos-namespace.js';
import { type StoreName, startStore } from '../../support/chaos-stores.js';
import { NONE_REJECTED, NONE_WRONG, type Play, type Scenario } from '../scenario.js';

const DIMENSIONS = 16;

/** What a call costs grows with its texts, and not with their square. */
export const hugeCall: Scenario = {
  name: 'huge-call',
  about: '200,000 new texts in one call: Hybrid against memory',
  variants: [
    {
      name: 'hybrid against memory',
      isLongOnly: true,
      goals: [NONE_WRONG, NONE_REJECTED, { figure: 'ratio', atMost: 3, isTime: true }],
      play: hugeCallOf,
    },
  ],
};

async function hugeCallOf({ pick }: Play) {
  const texts = textsOf('new', pick(200_000, 20_000));
  const memory = await timeOf('memory', texts);
  const hybrid = await timeOf('hybrid', texts);
  return {
    texts: texts.length,
    memoryMs: memory.ms,
    hybridMs: hybrid.ms,
    ratio: hybrid.ms / memory.ms,
    wrong: memory.wrong + hybrid.wrong,
    rejected: memory.rejected + hybrid.rejected,
  };
}

async function timeOf(name: StoreName, texts: string[]) {
  const store = await startStore(name);
  const { cache, embeddings, tally, embed } = openChecked({
    cache: { backend: await store.open() },
    dimensions: DIMENSIONS,
  });
  await embed(textsOf('warm-up', 5000));
  const start = performance.now();
  const vectors = await embeddings.embed(texts).catch(() => undefined);
  const ms = performance.now() - start;
  if (vectors === undefined) tally.rejected += 1;
  const wrong = (vectors ?? []).filter((vector, index) => !isOf(texts[index] as string, vector, DIMENSIONS)).length;
  await cache.close();
  await store.stop();
  return { ms, wrong: wrong + tally.wrong, rejected: tally.rejected };
}
