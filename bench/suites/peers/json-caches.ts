import type { InstalledPeers } from '../../peers/install.js';
import { cacheAside, keyOf, type PeerKind } from './peer.js';

/** General caches over Redis, which store values as JSON: those that are installed. */
export async function jsonCaches(peers: InstalledPeers): Promise<PeerKind[]> {
  const kinds = [await bentocache(peers), await keyv(peers), await cacheManager(peers), await unstorage(peers)];
  return kinds.filter((kind) => kind !== undefined);
}

interface Bento {
  getOrSet(options: { key: string; factory: () => Promise<number[] | undefined> }): Promise<number[]>;
  disconnectAll(): Promise<void>;
}

interface BentoStore {
  useL2Layer(driver: unknown): BentoStore;
}

async function bentocache({ load }: InstalledPeers): Promise<PeerKind | undefined> {
  const main = await load('bentocache');
  const redis = await load('bentocache/drivers/redis');
  if (!main || !redis) return undefined;
  const BentoCache = main.BentoCache as new (options: object) => Bento;
  const store = main.bentostore as () => BentoStore;
  const driver = redis.redisDriver as (options: object) => unknown;
  return {
    name: 'bentocache',
    isJson: true,
    usage: '`Promise.all` of `getOrSet`, since there is no batched read; Redis as L2, no L1',
    async open({ url, model }) {
      const { hostname: host, port, pathname } = new URL(url);
      const connection = { host, port: Number(port), db: Number(pathname.slice(1) || 0) };
      const bento = new BentoCache({
        default: 'redis',
        ttl: '1d',
        stores: { redis: store().useL2Layer(driver({ connection })) },
      });
      const one = (text: string) =>
        bento.getOrSet({ key: keyOf(text), factory: async () => (await model.arrays([text]))[0] });
      return { embed: (texts) => Promise.all(texts.map(one)), close: () => bento.disconnectAll() };
    },
  };
}

interface Keyv {
  getMany(keys: string[]): Promise<(number[] | undefined)[]>;
  setMany(entries: { key: string; value: number[] }[]): Promise<unknown>;
  on(event: 'error', listener: () => void): void;
  disconnect(): Promise<void>;
}

/** Makes a Keyv on a URL, where both packages are there. */
async function keyvMaker({ load }: InstalledPeers): Promise<((url: string) => Keyv) | undefined> {
  const main = await load('keyv');
  const redis = await load('@keyv/redis');
  if (!main || !redis) return undefined;
  const KeyvClass = main.Keyv as new (options: object) => Keyv;
  const KeyvRedis = redis.default as new (url: string) => unknown;
  return (url) => {
    const keyv = new KeyvClass({ store: new KeyvRedis(url) });
    keyv.on('error', () => {});
    return keyv;
  };
}

async function keyv(peers: InstalledPeers): Promise<PeerKind | undefined> {
  const make = await keyvMaker(peers);
  return (
    make && {
      name: 'keyv',
      isJson: true,
      usage: '`getMany` and `setMany` over @keyv/redis',
      async open({ url, model }) {
        const cache = make(url);
        const store = {
          getMany: (keys: string[]) => cache.getMany(keys),
          setMany: (entries: [string, number[]][]) => cache.setMany(entries.map(([key, value]) => ({ key, value }))),
        };
        return { embed: (texts) => cacheAside(texts, store, model.arrays), close: () => cache.disconnect() };
      },
    }
  );
}

interface CacheManager {
  mget(keys: string[]): Promise<(number[] | undefined)[]>;
  mset(entries: { key: string; value: number[] }[]): Promise<unknown>;
  disconnect(): Promise<unknown>;
}

async function cacheManager(peers: InstalledPeers): Promise<PeerKind | undefined> {
  const make = await keyvMaker(peers);
  const main = await peers.load('cache-manager');
  if (!make || !main) return undefined;
  const createCache = main.createCache as (options: object) => CacheManager;
  return {
    name: 'cache-manager',
    isJson: true,
    usage: '`mget` and `mset` over Keyv and @keyv/redis',
    async open({ url, model }) {
      const cache = createCache({ stores: [make(url)] });
      const store = {
        getMany: (keys: string[]) => cache.mget(keys),
        setMany: (entries: [string, number[]][]) => cache.mset(entries.map(([key, value]) => ({ key, value }))),
      };
      return { embed: (texts) => cacheAside(texts, store, model.arrays), close: () => cache.disconnect() };
    },
  };
}

interface Storage {
  getItems(keys: string[]): Promise<{ value: number[] | null }[]>;
  setItems(items: { key: string; value: number[] }[]): Promise<unknown>;
  dispose(): Promise<void>;
}

async function unstorage({ load }: InstalledPeers): Promise<PeerKind | undefined> {
  const main = await load('unstorage');
  const redis = await load('unstorage/drivers/redis');
  if (!main || !redis) return undefined;
  const createStorage = main.createStorage as (options: object) => Storage;
  const driver = redis.default as (options: object) => unknown;
  return {
    name: 'unstorage',
    isJson: true,
    usage: '`getItems` and `setItems` of its Redis driver',
    async open({ url, model }) {
      const storage = createStorage({ driver: driver({ url }) });
      const store = {
        getMany: async (keys: string[]) => (await storage.getItems(keys)).map(({ value }) => value),
        setMany: (entries: [string, number[]][]) => storage.setItems(entries.map(([key, value]) => ({ key, value }))),
      };
      return { embed: (texts) => cacheAside(texts, store, model.arrays), close: () => storage.dispose() };
    },
  };
}
