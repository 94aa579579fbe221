import { Redis } from 'ioredis';
import { until } from '../../src/testing/until.js';
import { type ClusterNode, type RedisCluster, startCluster } from './redis-cluster.js';
import { freePort, startRedis } from './redis-server.js';

/** A cluster in which each master has a replica. */
export interface ReplicatedCluster extends RedisCluster {
  /** In the order of the masters. */
  replicas: ClusterNode[];
}

/** Milliseconds that an election may take on a busy machine. */
const ELECTION = 60_000;

/** Starts `count` masters with a replica each, and waits until the replicas hold what their masters do. */
export async function startReplicatedCluster(count = 3): Promise<ReplicatedCluster> {
  const cluster = await startCluster(count);
  const replicas = await Promise.all(cluster.nodes.map((master) => startReplica(master)));
  return {
    ...cluster,
    replicas,
    async stop() {
      await cluster.stop();
      for (const { admin, server } of replicas) {
        admin.disconnect();
        await server.stop();
      }
    },
  };
}

async function startReplica(master: ClusterNode): Promise<ClusterNode> {
  let port = await freePort();
  while (port > 55_000) port = await freePort();
  const server = await startRedis({
    port,
    args: ['--cluster-enabled', 'yes', '--cluster-node-timeout', '2000', '--cluster-require-full-coverage', 'no'],
  });
  const admin = new Redis(server.url, { maxRetriesPerRequest: 0 });
  admin.on('error', () => {});
  await admin.call('CLUSTER', 'MEET', '127.0.0.1', master.port);
  const knowsMaster = async () => String(await admin.call('CLUSTER', 'NODES')).includes(master.id);
  await until('the replica knows its master', knowsMaster);
  await admin.call('CLUSTER', 'REPLICATE', master.id);
  await until('the replica is in step', async () =>
    (await admin.info('replication')).includes('master_link_status:up'),
  );
  return { server, port, admin, id: String(await admin.call('CLUSTER', 'MYID')) };
}

/** Waits until a replica has become a master. */
export async function untilPromoted({ admin }: ClusterNode): Promise<void> {
  await until(
    'the replica is promoted',
    async () => (await admin.info('replication')).includes('role:master'),
    ELECTION,
  );
}

/** Waits until a replica has everything that its master had. */
export async function untilReplicated(cluster: ReplicatedCluster): Promise<void> {
  for (const [index, { admin }] of cluster.nodes.entries()) {
    const replica = cluster.replicas[index] as ClusterNode;
    const isInStep = async () => (await admin.dbsize()) === (await replica.admin.dbsize());
    await until('the replicas have all keys', isInStep);
  }
}
