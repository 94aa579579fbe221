import { Redis } from 'ioredis';
import { Packr } from 'msgpackr';
import type { InstalledPeers } from '../../peers/install.js';
import { type BlockCompressor, lz4Compressor, zstdCompressor } from '../pipelines.js';
import { type BatchStore, cacheAside, keyOf, type PeerKind } from './peer.js';

/** What a team writes on a client of Redis: those whose clients are installed. */
export async function handWritten(peers: InstalledPeers): Promise<PeerKind[]> {
  const zstd = await zstdCompressor();
  if (!zstd) peers.missing.push('zstd-napi is not measured: it could not be loaded');
  const kinds = [
    cardPipeline(lz4Compressor),
    zstd && cardPipeline(zstd),
    ...(await nodeRedis(peers)),
    await glide(peers),
  ];
  return kinds.filter((kind) => kind !== undefined);
}

/** Digests, one mgetBuffer, decompressed, unpacked by msgpackr. */
function cardPipeline({ name, compress, decompress }: BlockCompressor): PeerKind {
  return {
    name: `ioredis + ${name} + msgpackr`,
    usage: `\`mgetBuffer\`, ${name}, msgpackr with \`moreTypes\``,
    async open({ url, model }) {
      const client = new Redis(url);
      const packr = new Packr({ moreTypes: true, useRecords: false });
      const store: BatchStore<Float32Array> = {
        getMany: async (keys) =>
          (await client.mgetBuffer(keys)).map((bytes) => bytes && (packr.unpack(decompress(bytes)) as Float32Array)),
        setMany: (entries) => client.mset(new Map(entries.map(([key, vector]) => [key, compress(packr.pack(vector))]))),
      };
      return { embed: (texts) => cacheAside(texts, store, model.vectors), close: async () => client.disconnect() };
    },
  };
}

interface NodeRedis {
  connect(): Promise<unknown>;
  destroy(): void;
  on(event: 'error', listener: () => void): void;
  mGet(keys: string[]): Promise<(string | null)[]>;
  mSet(entries: [string, string | Buffer][]): Promise<unknown>;
  withTypeMapping(mapping: object): { mGet(keys: string[]): Promise<(Buffer | null)[]> };
}

async function nodeRedis({ load }: InstalledPeers): Promise<PeerKind[]> {
  const main = await load('redis');
  if (!main) return [];
  const createClient = main.createClient as (options: object) => NodeRedis;
  const types = main.RESP_TYPES as { BLOB_STRING: number };
  const open = async (url: string) => {
    const client = createClient({ url });
    client.on('error', () => {});
    await client.connect();
    return client;
  };
  const json = (name: string, usage: string, print: (vector: number[]) => string): PeerKind => ({
    name,
    usage,
    isJson: true,
    async open({ url, model }) {
      const client = await open(url);
      const store: BatchStore<number[]> = {
        getMany: async (keys) =>
          (await client.mGet(keys)).map((text) => (text === null ? null : (JSON.parse(text) as number[]))),
        setMany: (entries) => client.mSet(entries.map(([key, vector]) => [key, print(vector)])),
      };
      return { embed: (texts) => cacheAside(texts, store, model.arrays), close: async () => client.destroy() };
    },
  });
  const rounded = (vector: number[]) => JSON.stringify(vector.map((x) => Number(x.toPrecision(DIGITS))));
  return [
    json('node-redis + JSON', '`mGet`, `JSON.parse` of an array', JSON.stringify),
    {
      ...json('node-redis + JSON, 8 digits', 'the same, with numbers rounded to 8 digits first', rounded),
      maxError: 1e-7,
    },
    {
      name: 'node-redis + Buffer',
      usage: '`mGet` with `RESP_TYPES.BLOB_STRING` mapped to Buffer, raw float32s, copied out',
      async open({ url, model }) {
        const client = await open(url);
        const reader = client.withTypeMapping({ [types.BLOB_STRING]: Buffer });
        const store: BatchStore<Float32Array> = {
          getMany: async (keys) => (await reader.mGet(keys)).map((bytes) => bytes && vectorOf(bytes)),
          setMany: (entries) => client.mSet(entries.map(([key, vector]) => [key, bytesOf(vector)])),
        };
        return { embed: (texts) => cacheAside(texts, store, model.vectors), close: async () => client.destroy() };
      },
    },
  ];
}

/** Digits that a float32 of an API's JSON usually has. */
const DIGITS = 8;

interface Glide {
  mget(keys: string[], options: object): Promise<(Buffer | null)[]>;
  mset(entries: { key: string; value: Buffer }[]): Promise<unknown>;
  close(): void;
}

async function glide({ load }: InstalledPeers): Promise<PeerKind | undefined> {
  const main = await load('@valkey/valkey-glide');
  if (!main) return undefined;
  const GlideClient = main.GlideClient as { createClient(options: object): Promise<Glide> };
  const { Bytes } = main.Decoder as { Bytes: number };
  return {
    name: 'valkey-glide + Buffer',
    usage: '`mget` with `Decoder.Bytes`, raw float32s, copied out',
    async open({ url, model }) {
      const { hostname: host, port, pathname } = new URL(url);
      const client = await GlideClient.createClient({
        addresses: [{ host, port: Number(port) }],
        databaseId: Number(pathname.slice(1) || 0),
        requestTimeout: 30_000,
      });
      const store: BatchStore<Float32Array> = {
        getMany: async (keys) => (await client.mget(keys, { decoder: Bytes })).map((bytes) => bytes && vectorOf(bytes)),
        setMany: (entries) => client.mset(entries.map(([key, vector]) => ({ key, value: bytesOf(vector) }))),
      };
      return { embed: (texts) => cacheAside(texts, store, model.vectors), close: async () => client.close() };
    },
  };
}

/** One mgetBuffer of float32s, with keys that are ready: nothing is hashed, decoded or copied. */
export const bare: PeerKind = {
  name: 'bare mgetBuffer of float32s',
  usage: 'one `mgetBuffer` with keys that are ready; nothing hashed, checked or decoded, no vectors made',
  isFloor: true,
  async open({ url, model }) {
    const client = new Redis(url);
    const ready = new WeakMap<string[], string[]>();
    return {
      async embed(texts) {
        const keys = ready.get(texts) ?? texts.map(keyOf);
        ready.set(texts, keys);
        const found = await client.mgetBuffer(keys);
        if (!found.includes(null)) return found as Buffer[];
        const vectors = await model.vectors(texts);
        await client.mset(new Map(vectors.map((vector, i) => [keys[i] as string, bytesOf(vector)])));
        return vectors;
      },
      close: async () => client.disconnect(),
    };
  },
};

function bytesOf({ buffer, byteOffset, byteLength }: Float32Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** A copy: what comes from a socket is rarely aligned. */
function vectorOf({ buffer, byteOffset, byteLength }: Buffer): Float32Array {
  return new Float32Array(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);
}
