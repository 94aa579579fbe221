/** What a team writes without vecstash: the contenders of the lookups suite. */
import { createHash } from 'node:crypto';
import { CacheBackedEmbeddings } from '@langchain/classic/embeddings/cache_backed';
import { Embeddings } from '@langchain/core/embeddings';
import { BaseStore } from '@langchain/core/stores';
import type { Redis } from 'ioredis';
import lz4 from 'lz4-napi';
import { Packr } from 'msgpackr';
import type { Contender } from '../interleave.js';

/** How a vector's packed bytes are compressed. */
export interface BlockCompressor {
  name: string;
  compress(bytes: Buffer): Buffer;
  decompress(bytes: Buffer): Buffer;
}

export const lz4Compressor: BlockCompressor = {
  name: 'lz4-napi',
  compress: (bytes) => lz4.compressSync(bytes),
  decompress: (bytes) => lz4.uncompressSync(bytes),
};

/** zstd-napi, or nothing where it could not be built. */
export async function zstdCompressor(): Promise<BlockCompressor | undefined> {
  try {
    const { Compressor, Decompressor } = await import('zstd-napi');
    const compressor = new Compressor();
    const decompressor = new Decompressor();
    return {
      name: 'zstd-napi',
      compress: (bytes) => compressor.compress(bytes),
      decompress: (bytes) => decompressor.decompress(bytes),
    };
  } catch {
    return undefined;
  }
}

/** The user's card taken literally: SHA-256 keys, one mgetBuffer, decompress, msgpackr. */
export async function literalPipeline(
  redis: Redis,
  texts: string[],
  vectors: Float32Array[],
  compressor: BlockCompressor,
): Promise<Contender> {
  const packr = new Packr({ moreTypes: true, useRecords: false });
  const keyOf = (text: string) => `${compressor.name}:${createHash('sha256').update(text).digest('hex')}`;
  const values = vectors.map((vector) => compressor.compress(packr.pack(vector)));
  const pipeline = redis.pipeline();
  texts.forEach((text, i) => {
    pipeline.set(keyOf(text), values[i] as Buffer);
  });
  await pipeline.exec();
  return {
    name: `mgetBuffer + ${compressor.name} + msgpackr`,
    bytesPerVector: mean(values.map((value) => value.length)),
    run: async () => {
      const found = await redis.mgetBuffer(texts.map(keyOf));
      return found.map((bytes) => packr.unpack(compressor.decompress(bytes as Buffer)) as Float32Array);
    },
  };
}

/** The floor of one MGET: keys ready, the float32s as they are, nothing decoded. */
export async function bareMget(redis: Redis, texts: string[], vectors: Float32Array[]): Promise<Contender> {
  const keys = texts.map((_, i) => `bare:${i}`);
  const pipeline = redis.pipeline();
  vectors.forEach((vector, i) => {
    pipeline.set(keys[i] as string, Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength));
  });
  await pipeline.exec();
  return {
    name: 'bare mgetBuffer of float32s',
    bytesPerVector: 4 * (vectors[0]?.length ?? 0),
    run: () => redis.mgetBuffer(keys),
  };
}

/** LangChain's cache over a byte store that keeps bytes bytes (its own Redis store passes them through text). */
export async function langchain(redis: Redis, texts: string[], vectors: Float32Array[]): Promise<Contender> {
  const known = new Map(texts.map((text, i) => [text, Array.from(vectors[i] as Float32Array)]));
  class Recorded extends Embeddings {
    async embedDocuments(documents: string[]) {
      return documents.map((text) => known.get(text) as number[]);
    }
    async embedQuery(text: string) {
      return known.get(text) as number[];
    }
  }
  let bytes = 0;
  class ByteStore extends BaseStore<string, Uint8Array> {
    override lc_namespace = ['bench'];
    async mget(keys: string[]) {
      return (await redis.mgetBuffer(keys)).map((value) => value ?? undefined);
    }
    async mset(pairs: [string, Uint8Array][]) {
      const pipeline = redis.pipeline();
      for (const [key, value] of pairs) {
        bytes += value.length;
        pipeline.set(key, Buffer.from(value));
      }
      await pipeline.exec();
    }
    async mdelete(keys: string[]) {
      await redis.unlink(keys);
    }
    async *yieldKeys(): AsyncGenerator<string> {}
  }
  const cache = CacheBackedEmbeddings.fromBytesStore(new Recorded({}), new ByteStore(), { namespace: 'langchain:' });
  await cache.embedDocuments(texts);
  return {
    name: 'LangChain CacheBackedEmbeddings',
    bytesPerVector: bytes / texts.length,
    run: () => cache.embedDocuments(texts),
  };
}

function mean(numbers: number[]): number {
  return numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
}
