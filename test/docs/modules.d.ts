/**
 * Packages that blocks of the docs import and this repository does not install: as much of their
 * types as the blocks use, so that those compile. Of pg 8, pgvector 0.3, @qdrant/js-client-rest
 * 1.19, @pinecone-database/pinecone 9, @lancedb/lancedb 0.37 and bentocache 1.6. packages.check.ts has
 * their own.
 */
declare module 'pg' {
  class Client {
    constructor(url?: string);
    connect(): Promise<void>;
    query(text: string, values?: unknown[]): Promise<{ rows: unknown[] }>;
  }
  const pg: { Client: typeof Client };
  export default pg;
}

declare module 'pgvector' {
  const pgvector: { toSql(value: number[]): string };
  export default pgvector;
}

declare module '@qdrant/js-client-rest' {
  export class QdrantClient {
    constructor(options: { url: string });
    upsert(
      collection: string,
      batch: { points: { id: number | string; vector: number[]; payload?: Record<string, unknown> }[] },
    ): Promise<unknown>;
  }
}

declare module '@pinecone-database/pinecone' {
  export class Pinecone {
    constructor(options?: { apiKey: string });
    index(options: { name: string }): {
      upsert(options: { records: { id: string; values: number[] }[] }): Promise<void>;
    };
  }
}

declare module '@lancedb/lancedb' {
  interface Table {
    search(query: Float32Array | number[]): { limit(n: number): { toArray(): Promise<unknown[]> } };
  }
  export function connect(uri: string): Promise<{
    createTable(name: string, data: Record<string, unknown>[]): Promise<Table>;
  }>;
}

declare module 'bentocache' {
  export class BentoCache {
    constructor(options: { default: string; stores: Record<string, unknown> });
    get<T>(options: { key: string }): Promise<T | undefined>;
  }
  export function bentostore(): { useL2Layer(driver: unknown): unknown };
}

declare module 'bentocache/drivers/redis' {
  export function redisDriver(options: { connection: object }): unknown;
}
