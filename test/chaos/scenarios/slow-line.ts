import { setTimeout as sleep } from 'node:timers/promises';
import { store as fill, openChecked, textsOf } from '../../support/chaos-namespace.js';
import { startStore, startStoreProxy } from '../../support/chaos-stores.js';
import { NONE_REJECTED, NONE_WRONG, type Play, type Scenario } from '../scenario.js';

const DIMENSIONS = 1536;
const TEXTS = 2000;
/** Bytes a second. */
const RATE = 20e6;

/** A read that outlives its deadline keeps what came, so a large batch over a slow line is not paid for ever. */
export const slowLine: Scenario = {
  name: 'slow-line',
  about: '2000 stored texts of 1536 dimensions in one call, over a line of 20 MB/s',
  variants: (['redis url', 'redis own client', 'hybrid'] as const).map((name) => ({
    name,
    goals: [NONE_WRONG, NONE_REJECTED, { figure: 'paidLater', atMost: 0 }],
    play: (play) => slowOver(name, play),
  })),
};

async function slowOver(name: 'redis url' | 'redis own client' | 'hybrid', { pick }: Play) {
  const texts = textsOf('stored', TEXTS);
  const store = await startStore(name);
  const line = await startStoreProxy(store);
  await fill({ backend: await store.open() }, texts, DIMENSIONS);
  line.rate = RATE;
  const { cache, embed, tally } = openChecked({
    cache: { backend: await store.open(line.url) },
    dimensions: DIMENSIONS,
  });
  await embed(texts);
  const paidFirst = tally.paid;
  for (let round = 1; round < pick(6, 3); round += 1) {
    await sleep(300);
    await embed(texts);
  }
  await cache.close();
  await line.stop();
  await store.stop();
  return { paidFirst, paidLater: tally.paid - paidFirst, ...tally };
}
