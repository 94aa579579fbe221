import { Cluster } from 'ioredis';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import type { BreakerEvent } from '../../src/events.js';
import { listen } from '../../src/observability/listen.js';
import { startCluster, whyNoCluster } from '../support/redis-cluster.js';
import { skipped } from '../support/skip.js';

const test = suite('breakers of a cluster');

test('the breaker of a node that is frozen ends when the backend is closed', async () => {
  const cluster = await startCluster();
  const client = new Cluster(cluster.seeds);
  client.on('error', () => {});
  const events: BreakerEvent[] = [];
  const stop = listen({ breaker: (event) => void events.push(event) });
  try {
    const backend = new RedisBackend(client);
    const keys = Array.from({ length: 100 }, (_, i) => `key:${i}`);
    await backend.setMany(keys.map((key) => ({ key, value: new Uint8Array(1) })));
    cluster.nodes[1]?.server.pause();
    const context = () => ({ signal: AbortSignal.timeout(100), onPartialFailure: () => {} });
    for (let round = 0; round < 3; round += 1) await backend.getMany(keys, context());
    cluster.nodes[1]?.server.resume();
    await backend.close();
    const id = events[0]?.id as number;
    const what = 'reads from a node of the cluster';
    assert.equal(events, [
      { id, what, state: 'open' },
      { id, what, state: 'ended' },
    ]);
  } finally {
    stop();
    client.disconnect();
    await cluster.stop();
  }
});

const missing = await whyNoCluster();
if (missing) skipped(`breakers of a cluster: ${missing}`);
else test.run();
