import { HybridBackend } from '../../src/backends/hybrid/hybrid.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { createCache } from '../../src/cache/cache.js';
import { watchDrift } from '../../src/canary/watch-drift.js';
import { BackendError } from '../../src/errors.js';
import { ObservableCache } from '../../src/observability/index.js';
import { CacheService } from '../../src/service/service.js';
import { until } from '../../src/testing/until.js';
import { scripted } from '../support/backends.js';
import { prf } from '../support/prf.js';

const DIMENSIONS = 8;

/** Caches to which everything happens that there is a metric for. */
export interface BusyCaches {
  memory: MemoryBackend;
  /** Lets all of it happen once more. */
  work(round: number): Promise<void>;
  close(): Promise<void>;
}

export function openBusyCaches(metrics: { countServiceCall(method: string, ok: boolean): void }): BusyCaches {
  const memory = new MemoryBackend();
  const options = { model: 'm', dimensions: DIMENSIONS };
  const embed = async (texts: string[], { usage }: { usage(tokens: number): void }) => {
    usage(10 * texts.length);
    return texts.map((text) => prf(text, DIMENSIONS));
  };
  const wellBackend = createCache({ backend: memory });
  const well = wellBackend.embeddings('docs', { ...options, embed });
  const speechless = wellBackend.embeddings('speechless', { ...options, embed: () => Promise.reject(new Error('no')) });

  // Another model each round.
  let version = 0;
  const drifting = watchDrift(wellBackend, 'drifting', {
    ...options,
    embed: async (texts: string[]) => texts.map((text) => prf(`${version} ${text}`, DIMENSIONS)),
  });

  const damaged = createCache({ backend: scripted({ getMany: async (keys) => keys.map(() => new Uint8Array(30)) }) });
  const down = createCache({ backend: scripted({ getMany: () => Promise.reject(new BackendError('down')) }) });
  // Slower than the limit of the alert by far: what it waits for is the time itself.
  const slowly = <T>(value: T) => new Promise<T>((resolve) => setTimeout(resolve, 200, value));
  const slow = createCache({ backend: scripted({ getMany: (keys) => slowly(keys.map(() => undefined)) }) });

  // Holds 10 entries of 100 bytes; the second tier takes only the first batch.
  const far = new MemoryBackend();
  let batches = 0;
  const taking = (entries: Parameters<MemoryBackend['setMany']>[0]) => {
    batches += 1;
    return batches === 1 ? far.setMany(entries) : Promise.reject(new BackendError('full'));
  };
  const hybrid = new HybridBackend(
    new MemoryBackend(),
    scripted({ setMany: taking, getMany: (keys) => far.getMany(keys) }),
    { writeBehind: { maxBytes: 1000, maxWait: 1 } },
  );
  const entries = (round: number) =>
    Array.from({ length: 12 }, (_, i) => ({ key: `k${round}-${i}`, value: new Uint8Array(90) }));
  const service = new ObservableCache(new CacheService(new MemoryBackend()), { metrics });

  return {
    memory,
    async work(round) {
      const texts = [`a${round}`, `b${round}`];
      await well.embed(texts);
      await well.embed([...texts, 'always']);
      await well.delete(`a${round}`);
      await wellBackend.clear('unused');
      version = round;
      await drifting.check();
      await speechless.embed(['a']).catch(() => {});
      await damaged.embeddings('damaged', options).getMany(['a', 'b']);
      const refused = down.embeddings('down', options);
      for (let call = 0; call < 3; call += 1) await refused.getMany(['a']);
      const misses = slow.embeddings('slow', options);
      await Promise.all(Array.from({ length: 25 }, (_, i) => misses.getMany([0, 1, 2, 3, 4].map((n) => `${i}-${n}`))));
      if (round === 0) {
        await far.setMany([{ key: 'far', value: new Uint8Array(3) }]);
        await hybrid.setMany([{ key: 'near', value: new Uint8Array(3) }]);
        await until('the first batch is taken', () => hybrid.writeBehind?.written === 1);
      }
      // More than the queue takes.
      await hybrid.setMany(entries(round)).catch(() => {});
      await hybrid.getMany(['near', 'far', 'none', `k${round}-11`]);
      await service.getSearchResults('user', 'query');
    },
    async close() {
      await drifting.stop();
      await Promise.all([wellBackend, damaged, down, slow, service].map((cache) => cache.close()));
      await hybrid.close().catch(() => {});
    },
  };
}
