import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { CacheBackend } from '../../src/backends/backend.js';
import { HybridBackend } from '../../src/backends/hybrid/hybrid.js';
import type { HybridBackendOptions } from '../../src/backends/hybrid/options.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { SqliteBackend } from '../../src/backends/sqlite/sqlite.js';
import { type HostedName, isHosted, startHosted } from './chaos-hosted.js';
import { opened, type Store } from './chaos-store.js';
import { type RedisServer, startRedis } from './redis-server.js';
import { type RespProxy, startRespProxy } from './resp-proxy.js';

export type StoreName =
  | 'memory'
  | 'sqlite'
  | 'redis url'
  | 'redis own client'
  | 'hybrid'
  | 'hybrid write-behind'
  | HostedName;

/** Starts an empty store of a kind. Memory is one place that all backends of the store share by being the same one. */
export async function startStore(name: StoreName): Promise<Store> {
  if (isHosted(name)) return startHosted(name);
  const clients: Redis[] = [];
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-chaos-'));
  const server = name === 'memory' || name === 'sqlite' ? undefined : await startRedis();
  const make = (url: string): CacheBackend => {
    if (name === 'memory') return new MemoryBackend();
    if (name === 'sqlite') return new SqliteBackend({ path: join(folder, 'chaos.sqlite') });
    if (name === 'redis url') return new RedisBackend(url);
    if (name === 'redis own client') return new RedisBackend(ownClient(url, clients));
    return hybridOver(url, { writeBehind: name === 'hybrid write-behind' });
  };
  return {
    server,
    open: async (url = server?.url ?? '') => opened(make(url)),
    async stop() {
      for (const client of clients) client.disconnect();
      await server?.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A client as a user makes it: with ioredis's own settings, which queue what cannot be sent. */
export function ownClient(url: string, clients: Redis[] = []): Redis {
  const client = new Redis(url);
  client.on('error', () => {});
  clients.push(client);
  return client;
}

export function hybridOver(url: string, options: HybridBackendOptions = {}): HybridBackend {
  return new HybridBackend(new MemoryBackend(), new RedisBackend(url), options);
}

/** A proxy before the store's server. */
export function startStoreProxy({ server }: Pick<Store, 'server'>): Promise<RespProxy> {
  return startRespProxy(Number(new URL((server as RedisServer).url).port));
}
