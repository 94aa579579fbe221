import { CacheBackedEmbeddings } from '@langchain/classic/embeddings/cache_backed';
import { Embeddings } from '@langchain/core/embeddings';
import { BaseStore } from '@langchain/core/stores';
import { Redis } from 'ioredis';
import { MODEL, type Model, type PeerKind } from './peer.js';

export const langchain: PeerKind = {
  name: 'LangChain',
  isJson: true,
  usage: '`CacheBackedEmbeddings.embedDocuments` over a byte store on ioredis (MGET), the model as its namespace',
  async open({ url, model }) {
    const client = new Redis(url);
    client.on('error', () => {});
    const cached = CacheBackedEmbeddings.fromBytesStore(new ModelEmbeddings(model), new RedisByteStore(client), {
      namespace: MODEL,
    });
    return { embed: (texts) => cached.embedDocuments(texts), close: async () => client.disconnect() };
  },
};

class ModelEmbeddings extends Embeddings {
  readonly #model: Model;

  constructor(model: Model) {
    super({ maxRetries: 0 });
    this.#model = model;
  }

  embedQuery = async (text: string) => (await this.#model.arrays([text]))[0] as number[];
  embedDocuments = (texts: string[]) => this.#model.arrays(texts);
}

/** Keeps bytes as they are. LangChain's own Redis store passes them through text. */
export class RedisByteStore extends BaseStore<string, Uint8Array> {
  lc_namespace = ['bench'];
  readonly #client: Redis;

  constructor(client: Redis) {
    super();
    this.#client = client;
  }

  mget = async (keys: string[]) => (await this.#client.mgetBuffer(keys)).map((value) => value ?? undefined);
  mset = async (pairs: [string, Uint8Array][]) =>
    void (await this.#client.mset(new Map(pairs.map(([key, value]) => [key, Buffer.from(value)]))));
  mdelete = async (keys: string[]) => void (await this.#client.del(keys));
  // biome-ignore lint/correctness/useYield: nobody asks for keys here
  async *yieldKeys(): AsyncGenerator<string> {
    throw new Error('not used');
  }
}
