import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CacheBackedEmbeddings } from '@langchain/classic/embeddings/cache_backed';
import { Embeddings } from '@langchain/core/embeddings';
import { Redis } from 'ioredis';
import { RedisByteStore } from '../../../bench/suites/peers/langchain.js';
import { RedisBackend } from '../../../src/backends/redis/redis.js';
import { createCache } from '../../../src/cache/cache.js';
import { skipped } from '../../support/skip.js';
import { DIMENSIONS } from './faults.js';
import type { Model, PeerKind } from './peer.js';

/** This cache, and those that are installed: LangChain with this repository, the others in `folder`. */
export async function findPeers(folder: string | undefined): Promise<PeerKind[]> {
  const optional = await Promise.all([bentocache(folder), keyv(folder)]);
  return [vecstash, langchain, ...optional.filter((kind) => kind !== undefined)];
}

const vecstash: PeerKind = {
  name: 'vecstash',
  async open(url, model) {
    const cache = createCache({ backend: new RedisBackend(url) });
    await cache.health();
    const embeddings = cache.embeddings('peers', { model: 'prf', dimensions: DIMENSIONS, embed: model });
    return { name: 'vecstash', embed: (texts) => embeddings.embed(texts), close: () => cache.close() };
  },
};

const langchain: PeerKind = {
  name: 'LangChain CacheBackedEmbeddings',
  async open(url, model) {
    const client = clientOf(url);
    const cached = CacheBackedEmbeddings.fromBytesStore(new ModelEmbeddings(model), new RedisByteStore(client), {
      namespace: 'peers',
    });
    return {
      name: 'LangChain CacheBackedEmbeddings',
      embed: (texts) => cached.embedDocuments(texts),
      close: async () => client.disconnect(),
    };
  },
};

class ModelEmbeddings extends Embeddings {
  readonly #model: Model;

  constructor(model: Model) {
    super({ maxRetries: 0 });
    this.#model = model;
  }

  embedQuery = async (text: string) => (await this.#model([text]))[0] as number[];
  embedDocuments = (texts: string[]) => this.#model(texts);
}

interface BentoStore {
  useL1Layer(driver: unknown): BentoStore;
  useL2Layer(driver: unknown): BentoStore;
}

interface BentoCache {
  getOrSet(options: { key: string; factory: () => Promise<number[]> }): Promise<number[]>;
  disconnectAll(): Promise<void>;
}

async function bentocache(folder: string | undefined): Promise<PeerKind | undefined> {
  const main = await load(folder, 'bentocache');
  const memory = await load(folder, 'bentocache/drivers/memory');
  const redis = await load(folder, 'bentocache/drivers/redis');
  if (!main || !memory || !redis) return undefined;
  const BentoCache = main.BentoCache as new (options: object) => BentoCache;
  const store = main.bentostore as () => BentoStore;
  const [memoryDriver, redisDriver] = [memory.memoryDriver, redis.redisDriver] as ((options: object) => unknown)[];
  return {
    name: 'bentocache',
    async open(url, model) {
      const l1 = memoryDriver?.({ maxItems: 100_000 });
      const { hostname: host, port } = new URL(url);
      const l2 = redisDriver?.({ connection: { host, port: Number(port) } });
      const bento = new BentoCache({
        default: 'tiers',
        stores: { tiers: store().useL1Layer(l1).useL2Layer(l2) },
      });
      const one = (text: string) =>
        bento.getOrSet({ key: text, factory: async () => (await model([text]))[0] as number[] });
      return {
        name: 'bentocache',
        embed: (texts) => Promise.all(texts.map(one)),
        close: () => bento.disconnectAll().catch(() => {}),
      };
    },
  };
}

interface KeyvCache {
  get(keys: string[]): Promise<(number[] | undefined)[]>;
  set(key: string, value: number[]): Promise<boolean>;
  on(event: 'error', listener: () => void): void;
  disconnect(): Promise<void>;
}

async function keyv(folder: string | undefined): Promise<PeerKind | undefined> {
  const main = await load(folder, 'keyv');
  const redis = await load(folder, '@keyv/redis');
  if (!main || !redis) return undefined;
  const Keyv = main.Keyv as new (store: unknown) => KeyvCache;
  const KeyvRedis = redis.default as new (url: string) => unknown;
  return {
    name: 'keyv + @keyv/redis',
    async open(url, model) {
      const cache = new Keyv(new KeyvRedis(url));
      cache.on('error', () => {});
      return {
        name: 'keyv + @keyv/redis',
        async embed(texts) {
          const vectors = await cache.get(texts);
          const missing = texts.filter((_, index) => vectors[index] === undefined);
          const computed = new Map<string, number[]>();
          if (missing.length > 0)
            for (const [i, row] of (await model(missing)).entries()) computed.set(missing[i] as string, row);
          for (const [text, row] of computed) await cache.set(text, row);
          return texts.map((text, index) => vectors[index] ?? (computed.get(text) as number[]));
        },
        close: () => cache.disconnect().catch(() => {}),
      };
    },
  };
}

function clientOf(url: string): Redis {
  const client = new Redis(url);
  client.on('error', () => {});
  return client;
}

/** A package of a folder that is not this repository, or undefined where it is not there. */
async function load(folder: string | undefined, name: string): Promise<Record<string, unknown> | undefined> {
  if (folder !== undefined) {
    // Packages are looked for from where the importing file lies.
    const importer = join(resolve(folder), 'import-for-vecstash.mjs');
    writeFileSync(importer, 'export const load = (name) => import(name);\n');
    const { load: importFrom } = (await import(pathToFileURL(importer).href)) as {
      load(name: string): Promise<object>;
    };
    const loaded = await importFrom(name).catch(() => undefined);
    if (loaded !== undefined) return loaded as Record<string, unknown>;
  }
  skipped(`${name} is not installed in ${folder ?? '--peers FOLDER, which was not given'}`);
  return undefined;
}
