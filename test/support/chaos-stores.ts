import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import type { CacheBackend } from '../../src/backends/backend.js';
import { HybridBackend } from '../../src/backends/hybrid/hybrid.js';
import type { HybridBackendOptions } from '../../src/backends/hybrid/options.js';
import { MemoryBackend } from '../../src/backends/memory.js';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import { SqliteBackend } from '../../src/backends/sqlite/sqlite.js';
import { until } from '../../src/testing/until.js';
import { type RedisServer, startRedis } from './redis-server.js';
import { type RespProxy, startRespProxy } from './resp-proxy.js';

export type StoreName = 'memory' | 'sqlite' | 'redis url' | 'redis own client' | 'hybrid' | 'hybrid write-behind';

/** A store, and backends on it as the processes of an application have them. */
export interface Store {
  name: StoreName;
  /** Where there is one: this store's alone. */
  server: RedisServer | undefined;
  /** A new backend on the store, ready to be used. `url` is another way to the server, such as a proxy. */
  open(url?: string): Promise<CacheBackend>;
  /** Ends the clients that `open` made, and the store. */
  stop(): Promise<void>;
}

/** Starts an empty store of a kind. Memory is one place that all backends of the store share by being the same one. */
export async function startStore(name: StoreName): Promise<Store> {
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
    name,
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

/** The backend, once its connections stand and what others change is heard. */
export async function opened<Backend extends CacheBackend>(backend: Backend): Promise<Backend> {
  await until('the backend is ready', async () => (await backend.health()).ok);
  return backend;
}

/** A proxy before the store's server. */
export function startStoreProxy({ server }: Pick<Store, 'server'>): Promise<RespProxy> {
  return startRespProxy(Number(new URL((server as RedisServer).url).port));
}
