import { setTimeout as sleep } from 'node:timers/promises';
import slotOf from 'cluster-key-slot';
import { Cluster } from 'ioredis';
import { Cluster as Cluster5 } from 'ioredis-5';
import { RedisBackend } from '../../../src/backends/redis/redis.js';
import { isOf, openChecked, store, textsOf } from '../../support/chaos-namespace.js';
import { startReplicatedCluster, untilPromoted, untilReplicated } from '../../support/chaos-replicas.js';
import { opened } from '../../support/chaos-store.js';
import type { ClusterNode } from '../../support/redis-cluster.js';
import { type Goal, NONE_REJECTED, NONE_WRONG, type Play, type Scenario } from '../scenario.js';

const DIMENSIONS = 64;
const STORED = 600;
const CALLERS = 4;
/** Milliseconds after the promotion from which every lookup counts. */
const BACK = 1000;
/** Milliseconds that lookups go on after that. */
const AFTER = 2000;

const GOALS: readonly Goal[] = [
  NONE_WRONG,
  NONE_REJECTED,
  // Rates of lookups that end within their read timeout or not: those of a busy machine say nothing.
  { figure: 'hitRate', atLeast: 0.95, isTime: true },
  { figure: 'hitRateAfter', atLeast: 0.999, isTime: true },
  { figure: 'backMs', atMost: BACK, isTime: true },
];

/** One master of three is lost: its keys alone are, and only until its replica takes over. */
export const clusterFailover: Scenario = {
  name: 'cluster-failover',
  about: 'a cluster with replicas loses a master under load, by kill -9 or SIGSTOP; lookups of 1 and of 10 keys',
  variants: (['killed', 'frozen'] as const).flatMap((how) =>
    [1, 10].flatMap((keys) =>
      ([6, 5] as const).map((version) => ({
        name: `${how}, lookups of ${keys}, ioredis ${version}`,
        isLongOnly: !(how === 'frozen' && keys === 1 && version === 6),
        goals: GOALS,
        play: (play: Play) => loseMaster(how, keys, version, play),
      })),
    ),
  ),
};

async function loseMaster(how: 'killed' | 'frozen', keys: number, version: 5 | 6, { random }: Play) {
  const cluster = await startReplicatedCluster();
  const client = version === 6 ? new Cluster(cluster.seeds) : (new Cluster5(cluster.seeds) as unknown as Cluster);
  client.on('error', () => {});
  const backend = await opened(new RedisBackend({ client }));
  const texts = textsOf('stored', STORED);
  const filler = new Cluster(cluster.seeds);
  await store({ backend: await opened(new RedisBackend({ client: filler })) }, texts, DIMENSIONS);
  filler.disconnect();
  await untilReplicated(cluster);
  const { cache, embeddings, embed, tally } = openChecked({ cache: { backend }, dimensions: DIMENSIONS });

  const victim = cluster.nodes[random.whole(0, 2)] as ClusterNode;
  const isLost = new Set(texts.filter((text) => cluster.ownerOf(slotOf(embeddings.keyOf(text))) === victim));
  const figures = { possible: 0, hits: 0, possibleAfter: 0, hitsAfter: 0, lastMissAt: 0 };
  let lostAt = Number.POSITIVE_INFINITY;
  let promotedAt = Number.POSITIVE_INFINITY;
  let isOver = false;

  const lookUp = async (asked: string[]) => {
    const start = performance.now();
    const vectors = await embeddings.getMany(asked).catch(() => undefined);
    if (vectors === undefined) tally.rejected += 1;
    for (const [index, text] of asked.entries()) {
      const vector = vectors?.[index];
      if (vector !== undefined && !isOf(text, vector, DIMENSIONS)) tally.wrong += 1;
      const isHit = vector !== undefined;
      if (!isHit) figures.lastMissAt = performance.now();
      // What no node can have served is no miss of the cache's.
      if (start < lostAt || (isLost.has(text) && start < promotedAt + BACK)) continue;
      const isAfter = start >= promotedAt + BACK;
      figures[isAfter ? 'possibleAfter' : 'possible'] += 1;
      if (isHit) figures[isAfter ? 'hitsAfter' : 'hits'] += 1;
    }
  };
  const caller = async () => {
    while (!isOver) {
      await lookUp(Array.from({ length: keys }, () => random.of(texts)));
      await sleep(1);
    }
  };
  const filling = async () => {
    for (let first = 0; !isOver; first += keys) {
      await embed(textsOf('new', keys, first));
      await sleep(5);
    }
  };
  const load = Promise.all([...Array.from({ length: CALLERS }, caller), filling()]);
  await sleep(500);
  if (how === 'killed') await victim.server.kill();
  else victim.server.pause();
  lostAt = performance.now();
  await untilPromoted(cluster.replicas[cluster.nodes.indexOf(victim)] as ClusterNode);
  promotedAt = performance.now();
  await sleep(BACK + AFTER);
  isOver = true;
  await load;

  const { possible, hits, possibleAfter, hitsAfter, lastMissAt } = figures;
  await cache.close().catch(() => {});
  client.disconnect();
  await cluster.stop();
  return {
    wrong: tally.wrong,
    rejected: tally.rejected,
    hitRate: hits / possible,
    hitRateAfter: hitsAfter / possibleAfter,
    promotedAfterMs: promotedAt - lostAt,
    backMs: Math.max(0, lastMissAt - promotedAt),
  };
}
