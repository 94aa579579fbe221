import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type CacheBackend, HybridBackend, MemoryBackend } from 'vecstash';
import { RedisBackend } from 'vecstash/redis';
import { SqliteBackend } from 'vecstash/sqlite';
import { sqliteMissing } from '../../quickstart/run.js';

/** Where the vectors are kept, beside the memory of this process. */
export interface StorageOptions {
  /** A Redis. @default SQLite */
  redis?: string;
  /** Whether other processes may use the same Redis: what they remove is then heard of. @default true */
  isShared?: boolean;
  /** The folder of the SQLite file. @default .data beside this example */
  folder?: string;
}

export interface Storage {
  backend: CacheBackend;
  /** For people: no address, which may hold a password. */
  name: string;
  memoryBytes: () => number;
}

const FOLDER = fileURLToPath(new URL('../.data', import.meta.url));

export async function openStorage({ redis, isShared = true, folder = FOLDER }: StorageOptions): Promise<Storage> {
  const memory = new MemoryBackend();
  const memoryBytes = () => memory.bytes;
  if (redis) {
    const l2 = new RedisBackend(redis);
    const backend = new HybridBackend(memory, l2, isShared ? {} : { bus: false });
    return { backend, name: 'Redis behind memory', memoryBytes };
  }
  if (await sqliteMissing()) return { backend: memory, name: 'memory alone, no SQLite here', memoryBytes };
  mkdirSync(folder, { recursive: true });
  const l2 = new SqliteBackend({ path: join(folder, 'cache.sqlite') });
  return { backend: new HybridBackend(memory, l2), name: 'SQLite behind memory', memoryBytes };
}
