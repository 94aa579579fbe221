import { setImmediate as immediate } from 'node:timers/promises';
import { countBreakers } from '../../support/chaos-events.js';
import { store as fill, openChecked, partsOf, textsOf } from '../../support/chaos-namespace.js';
import { type StoreName, startStore } from '../../support/chaos-stores.js';
import { NONE_REJECTED, NONE_WRONG, type Play, type Scenario } from '../scenario.js';

const DIMENSIONS = 256;
const BATCH = 300;
/** Lookups that are under way when the loop is held. */
const LOOKUPS = 2;
/** Milliseconds: twice the read timeout. */
const HELD = 500;

const STORES = ['sqlite', 'redis url', 'redis own client', 'hybrid'] as const;

/** An application that computes for half a second at a time: its own time is not the store's. */
export const heldLoop: Scenario = {
  name: 'held-loop',
  about: 'the event loop held ten times for 500 ms, with stored batches of 300 under way',
  variants: STORES.map((name) => ({
    name,
    goals: [NONE_WRONG, NONE_REJECTED, { figure: 'paid', atMost: 0 }, { figure: 'breakers', atMost: 0 }],
    play: (play) => holdOver(name, play),
  })),
};

async function holdOver(name: StoreName, { random, pick }: Play) {
  const batches = partsOf(textsOf('stored', BATCH * 8), BATCH);
  const store = await startStore(name);
  await fill({ backend: await store.open() }, batches.flat(), DIMENSIONS);
  const { cache, embed, tally } = openChecked({ cache: { backend: await store.open() }, dimensions: DIMENSIONS });
  const breakers = countBreakers();
  for (let time = 0; time < pick(10, 3); time += 1) {
    const lookups = Promise.all(Array.from({ length: LOOKUPS }, () => embed(random.of(batches))));
    // Somewhere between the call and its answer: before the read, while it is under way, or after it.
    for (let turn = random.whole(0, 4); turn > 0; turn -= 1) await immediate();
    hold(HELD);
    await lookups;
  }
  breakers.stop();
  await cache.close();
  await store.stop();
  return { ...tally, breakers: breakers.opened };
}

/** Keeps this thread busy for so many milliseconds. */
function hold(milliseconds: number): void {
  const end = performance.now() + milliseconds;
  while (performance.now() < end);
}
