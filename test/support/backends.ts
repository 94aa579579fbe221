import type { CacheBackend } from '../../src/backends/backend.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';

/** A memory backend whose methods a test replaces, and which counts its calls. */
export function scripted(
  replace: Partial<CacheBackend> = {},
): CacheBackend & { reads: number; writes: number; stored: Map<string, Uint8Array> } {
  const memory = new MemoryBackend();
  const stored = new Map<string, Uint8Array>();
  const backend = {
    reads: 0,
    writes: 0,
    stored,
    async getMany(keys: readonly string[], context?: Parameters<CacheBackend['getMany']>[1]) {
      backend.reads++;
      return (replace.getMany ?? memory.getMany).call(memory, keys, context);
    },
    async setMany(entries: Parameters<CacheBackend['setMany']>[0]) {
      backend.writes++;
      for (const { key, value } of entries) stored.set(key, value.slice());
      return (replace.setMany ?? memory.setMany).call(memory, entries);
    },
    deleteMany: (keys: readonly string[]) => (replace.deleteMany ?? memory.deleteMany).call(memory, keys),
    clear: (prefix: string) => (replace.clear ?? memory.clear).call(memory, prefix),
    health: () => (replace.health ?? memory.health).call(memory),
    close: () => (replace.close ?? memory.close).call(memory),
  };
  return backend;
}
