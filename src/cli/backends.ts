import type { CacheBackend } from '../backends/backend.js';
import { MemoryBackend } from '../backends/memory/memory.js';
import type { Compression } from '../codec/modes.js';
import { bytesOf } from './options.js';

export const BACKEND_EXPECTED = 'memory, memory:SIZE such as memory:256mb, sqlite:PATH, redis://... or rediss://...';

/** What opens a backend, and what may be told of it: no password. */
export interface BackendChoice {
  name: string;
  /** Records that are not compressed are read twice as fast; elsewhere what they weigh counts. */
  compression: Compression;
  open(): Promise<CacheBackend>;
}

/**
 * Undefined where the text is not as `BACKEND_EXPECTED` says. What a backend needs is loaded when
 * it is opened.
 */
export function backendOf(text: string): BackendChoice | undefined {
  const [, kind = '', rest = ''] = /^(memory|sqlite|rediss?)(?::(.+))?$/s.exec(text) ?? [];
  if (kind === 'memory') {
    const maxBytes = rest === '' ? undefined : bytesOf(rest);
    if (rest !== '' && maxBytes === undefined) return undefined;
    return {
      name: 'memory, which is empty after a restart',
      compression: 'none',
      open: async () => new MemoryBackend({ maxBytes }),
    };
  }
  if (kind === 'sqlite' && rest !== '')
    return {
      name: `SQLite, ${rest}`,
      compression: 'auto',
      open: async () => new (await import('../backends/sqlite/sqlite.js')).SqliteBackend({ path: rest }),
    };
  if (!/^rediss?/.test(kind) || !URL.canParse(text)) return undefined;
  return {
    name: `Redis, ${new URL(text).host}`,
    compression: 'auto',
    open: async () => new (await import('../backends/redis/redis.js')).RedisBackend(text),
  };
}
