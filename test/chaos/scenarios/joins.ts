import { setTimeout as sleep } from 'node:timers/promises';
import { openChecked, textsOf } from '../../support/chaos-namespace.js';
import { type StoreName, startStore } from '../../support/chaos-stores.js';
import { NONE_REJECTED, NONE_WRONG, type Play, type Scenario } from '../scenario.js';

const DIMENSIONS = 64;
const CALLERS = 4;
/** Milliseconds. */
const JITTER = 5;
/** Texts that are asked for at a time. */
const AT_ONCE = 8;

/**
 * Callers join one another's calls of the model and of the store, and scale what they got in place, as many do: nobody may see
 * what another made of its own.
 */
export const joins: Scenario = {
  name: 'joins',
  about: 'wrong vectors where four callers join, each with up to 5 ms of jitter, and change what they got',
  variants: (['redis url', 'sqlite', 'hybrid'] as const).map((name) => ({
    name,
    goals: [NONE_WRONG, NONE_REJECTED],
    play: (play) => joinOver(name, play),
  })),
};

async function joinOver(name: StoreName, { random, pick }: Play) {
  const store = await startStore(name);
  const { cache, embed, tally } = openChecked({
    cache: { backend: await store.open() },
    dimensions: DIMENSIONS,
    think: () => sleep(random.next() * JITTER),
  });
  // The same bytes for whoever asks: a list of the caller's own, changed as soon as the call is made.
  const caller = async (text: string) => {
    await sleep(random.next() * JITTER);
    const inputs = [text];
    const answer = embed(inputs);
    const [vector] = await answer;
    for (let index = 0; index < DIMENSIONS; index += 1) (vector as Float32Array)[index] = Number.NaN;
  };
  const texts = textsOf('joined', pick(20_000, 2000) / CALLERS);
  const next = texts.values();
  const worker = async () => {
    for (const text of next) await Promise.all(Array.from({ length: CALLERS }, () => caller(text)));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  await cache.close();
  await store.stop();
  return { ...tally };
}
