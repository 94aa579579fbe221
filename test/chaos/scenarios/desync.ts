import { store as fill, openChecked, partsOf, textsOf } from '../../support/chaos-namespace.js';
import { startStore, startStoreProxy } from '../../support/chaos-stores.js';
import { onceRule, type ReplyFault, type ReplyRule } from '../../support/resp-proxy.js';
import { NONE_REJECTED, NONE_WRONG, type Play, type Scenario } from '../scenario.js';

const DIMENSIONS = 64;
const BATCH = 10;
/** Lookups in a row, of each caller, that have to be all hits. */
const STEADY = 20;
/** When hits count as gone for ever, in milliseconds. */
const LONGEST = 5000;

const FAULTS = ['drop', 'double', 'swap', 'shift'] as const;
const CONNECTIONS = ['redis url', 'redis own client'] as const;

/**
 * One reply to a read is lost, comes twice, out of order, or all are one too late from then on: every later answer on that
 * connection belongs to another question. Records tell, so nothing wrong is served; the connection has to be replaced.
 */
export const desync: Scenario = {
  name: 'desync',
  about: 'one dropped, doubled, swapped or shifted reply to a read; 1 and 8 callers',
  variants: CONNECTIONS.flatMap((connection) =>
    FAULTS.flatMap((fault) =>
      [1, 8].map((callers) => ({
        name: `${connection}: ${fault}, callers: ${callers}`,
        goals: [
          NONE_WRONG,
          NONE_REJECTED,
          { figure: 'neverBack', atMost: 0 },
          { figure: 'backMs', atMost: 1000, isTime: true },
        ],
        play: (play: Play) => desyncOver(connection, fault, callers, play),
      })),
    ),
  ),
};

async function desyncOver(
  name: (typeof CONNECTIONS)[number],
  fault: ReplyFault,
  callers: number,
  { random, pick }: Play,
) {
  const store = await startStore(name);
  const proxy = await startStoreProxy(store);
  const batches = partsOf(textsOf('stored', 400), BATCH);
  await fill({ backend: await store.open() }, batches.flat(), DIMENSIONS);
  const { cache, embeddings, embed, tally } = openChecked({
    cache: { backend: await store.open(proxy.url) },
    dimensions: DIMENSIONS,
  });
  let backMs = 0;
  let neverBack = 0;
  const rounds = pick(10, 1);
  for (let round = 0; round < rounds; round += 1) {
    const start = performance.now();
    let faultAt = Number.POSITIVE_INFINITY;
    let lastMiss = 0;
    proxy.rule = afterSome(random.whole(3, 20), fault, () => {
      faultAt = performance.now();
    });
    const caller = async () => {
      for (let steady = 0; steady < STEADY && performance.now() - start < LONGEST; ) {
        const before = cache.stats().chaos?.misses ?? 0;
        await embed(random.of(batches));
        const isMissed = (cache.stats().chaos?.misses ?? 0) > before;
        if (isMissed) lastMiss = performance.now();
        steady = isMissed || performance.now() < faultAt ? 0 : steady + 1;
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    if (performance.now() - start >= LONGEST) neverBack += 1;
    backMs = Math.max(backMs, lastMiss - faultAt);
    proxy.rule = undefined;
    // Nobody asks for a moment: also then a connection that is off by one has to be found.
    await embeddings.getMany(batches[0] as string[]);
  }
  const connections = proxy.accepted;
  await cache.close();
  await proxy.stop();
  await store.stop();
  return { rounds, neverBack, backMs: Math.max(0, backMs), connections, ...tally };
}

/** Applies the fault once, to a reply to MGET after `count` others. */
function afterSome(count: number, fault: ReplyFault, onFault: () => void): ReplyRule {
  let left = count;
  return onceRule(fault, ({ command }) => {
    if (command !== 'MGET') return false;
    left -= 1;
    if (left === 0) onFault();
    return left === 0;
  });
}
