import { Redis } from 'ioredis';
import { until } from '../../src/testing/until.js';
import { DOCKER, findRedis } from './find-redis.js';
import { freePort, type RedisServer, startRedis } from './redis-server.js';

const SLOTS = 16_384;

/** One master of a cluster for tests. */
export interface ClusterNode {
  server: RedisServer;
  port: number;
  /** A connection to this node alone. */
  admin: Redis;
  id: string;
}

/** Masters without replicas that share all slots evenly. */
export interface RedisCluster {
  nodes: ClusterNode[];
  /** Where the clients begin. */
  seeds: { host: string; port: number }[];
  /** Starts to move a slot. Keys still lie in `from`, and what is not there is asked of `to`. */
  beginMove(slot: number, from: ClusterNode, to: ClusterNode): Promise<void>;
  /** Moves up to `count` keys of the slot; false when there was none left. */
  moveKeys(slot: number, from: ClusterNode, to: ClusterNode, count: number): Promise<boolean>;
  endMove(slot: number, to: ClusterNode): Promise<void>;
  /** Who serves a slot now. */
  ownerOf(slot: number): ClusterNode;
  stop(): Promise<void>;
}

/** Why there can be no cluster here, or undefined. */
export async function whyNoCluster(): Promise<string | undefined> {
  const found = await findRedis();
  return found === '' || found === DOCKER ? 'a cluster needs redis-server or valkey-server on PATH' : undefined;
}

/** Starts `count` private nodes and waits until each of them serves the whole cluster. */
export async function startCluster(count = 3): Promise<RedisCluster> {
  const nodes = await Promise.all(
    Array.from({ length: count }, async (): Promise<ClusterNode> => {
      // Nodes talk to one another at their port plus 10,000.
      let port = await freePort();
      while (port > 55_000) port = await freePort();
      const server = await startRedis({
        port,
        args: ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--cluster-require-full-coverage', 'no'],
      });
      const admin = new Redis(server.url, { maxRetriesPerRequest: 0 });
      admin.on('error', () => {});
      return { server, port, admin, id: String(await admin.call('CLUSTER', 'MYID')) };
    }),
  );
  const owners = Array.from({ length: SLOTS }, (_, slot) => nodes[Math.floor((slot * count) / SLOTS)] as ClusterNode);
  for (const node of nodes) {
    const own = owners.flatMap((owner, slot) => (owner === node ? [slot] : []));
    await node.admin.call('CLUSTER', 'ADDSLOTS', ...own);
  }
  const [first] = nodes as [ClusterNode];
  for (const [index, node] of nodes.entries()) {
    await node.admin.call('CLUSTER', 'SET-CONFIG-EPOCH', index + 1);
    if (node !== first) await first.admin.call('CLUSTER', 'MEET', '127.0.0.1', node.port);
  }
  for (const node of nodes) {
    await until('the nodes know one another', async () => {
      const info = String(await node.admin.call('CLUSTER', 'INFO'));
      return /cluster_state:ok/.test(info) && info.includes(`cluster_slots_ok:${SLOTS}`);
    });
  }
  return {
    nodes,
    seeds: nodes.map(({ port }) => ({ host: '127.0.0.1', port })),
    async beginMove(slot, from, to) {
      await to.admin.call('CLUSTER', 'SETSLOT', slot, 'IMPORTING', from.id);
      await from.admin.call('CLUSTER', 'SETSLOT', slot, 'MIGRATING', to.id);
    },
    async moveKeys(slot, from, to, most) {
      const keys = (await from.admin.call('CLUSTER', 'GETKEYSINSLOT', slot, most)) as string[];
      if (keys.length === 0) return false;
      await from.admin.call('MIGRATE', '127.0.0.1', to.port, '', 0, 5000, 'KEYS', ...keys);
      return true;
    },
    async endMove(slot, to) {
      owners[slot] = to;
      // First who receives it: nobody may think that it is nowhere.
      for (const node of [to, ...nodes.filter((each) => each !== to)]) {
        await node.admin.call('CLUSTER', 'SETSLOT', slot, 'NODE', to.id);
      }
    },
    ownerOf: (slot) => owners[slot] as ClusterNode,
    async stop() {
      for (const { admin, server } of nodes) {
        admin.disconnect();
        await server.stop();
      }
    },
  };
}
