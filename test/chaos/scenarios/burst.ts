import { countBreakers } from '../../support/chaos-events.js';
import { store as fill, openChecked, textsOf } from '../../support/chaos-namespace.js';
import { countReads } from '../../support/chaos-reads.js';
import { readCommands } from '../../support/chaos-redis-stats.js';
import { type StoreName, startStore } from '../../support/chaos-stores.js';
import { NONE_REJECTED, NONE_WRONG, type Play, type Scenario } from '../scenario.js';

const DIMENSIONS = 64;
const LOOKUPS = 10_000;

const STORES = ['memory', 'sqlite', 'redis url', 'redis own client', 'hybrid'] as const;

/** Lookups that come in one tick are read together: a burst is no outage, and nothing that is stored is paid again. */
export const burst: Scenario = {
  name: 'burst',
  about: '10,000 lookups of stored texts at once, one text each',
  variants: STORES.map((name) => ({
    name,
    goals: [
      NONE_WRONG,
      NONE_REJECTED,
      { figure: 'hitRate', atLeast: 0.999 },
      { figure: 'reads', atMost: 200 },
      { figure: 'commands', atMost: 200 },
      { figure: 'breakers', atMost: 0 },
    ],
    play: (play) => burstOver(name, play),
  })),
};

async function burstOver(name: StoreName, { pick }: Play) {
  const store = await startStore(name);
  const backend = await store.open();
  const texts = textsOf('stored', LOOKUPS);
  if (name === 'memory') await fillOpen(backend, texts);
  else await fill({ backend: await store.open() }, texts, DIMENSIONS);
  const count = countReads(backend);
  const { cache, embed, tally } = openChecked({ cache: { backend }, dimensions: DIMENSIONS });
  const breakers = countBreakers();
  const rounds = pick(5, 1);
  let commands = 0;
  for (let round = 0; round < rounds; round += 1) {
    const before = store.server ? await readCommands(store.server.url) : 0;
    await Promise.all(texts.map((text) => embed([text])));
    if (store.server) commands = Math.max(commands, (await readCommands(store.server.url)) - before);
  }
  breakers.stop();
  await cache.close();
  await store.stop();
  const lookups = rounds * LOOKUPS;
  return {
    ...tally,
    hitRate: 1 - tally.paid / lookups,
    reads: count.reads / rounds,
    commands,
    breakers: breakers.opened,
  };
}

/** Memory is one backend for all: filled through the namespace that is asked later. */
async function fillOpen(backend: Parameters<typeof countReads>[0], texts: string[]): Promise<void> {
  const { embed } = openChecked({ cache: { backend, readTimeout: '30s' }, dimensions: DIMENSIONS });
  await embed(texts);
}
