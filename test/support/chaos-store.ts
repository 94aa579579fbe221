import type { CacheBackend } from '../../src/backends/backend.js';
import { until } from '../../src/testing/until.js';
import type { RedisServer } from './redis-server.js';

/** A store, and backends on it as the processes of an application have them. */
export interface Store {
  /** Where there is one: this store's alone. */
  server: RedisServer | undefined;
  /** A new backend on the store, ready to be used. `url` is another way to the server, such as a proxy. */
  open(url?: string): Promise<CacheBackend>;
  /** Ends the clients that `open` made, and the store. */
  stop(): Promise<void>;
}

/** The backend, once its connections stand and what others change is heard. */
export async function opened<Backend extends CacheBackend>(backend: Backend): Promise<Backend> {
  await until('the backend is ready', async () => (await backend.health()).ok);
  return backend;
}
