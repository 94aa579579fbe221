import { createHash } from 'node:crypto';

/** The model's name, which is part of every key. */
export const MODEL = 'bench-model';

/** A model, in the two forms in which clients hand vectors out. */
export interface Model {
  vectors(texts: string[]): Promise<Float32Array[]>;
  arrays(texts: string[]): Promise<number[][]>;
}

/** What a peer is opened on. */
export interface Setting {
  /** `redis://host:port/database` */
  url: string;
  model: Model;
  dimensions: number;
}

/** A cache before a model, over Redis, without a tier in memory. */
export interface Peer {
  /** Vectors in the order of the texts: from Redis, or from the model, and then stored. */
  embed(texts: string[]): Promise<ArrayLike<number>[]>;
  close(): Promise<unknown>;
}

/** One way of caching embeddings, used as its documentation says. */
export interface PeerKind {
  name: string;
  /** How it is used, for the page. */
  usage: string;
  /** Set: it returns bytes and no vectors, and is there as what the others are measured against. */
  isFloor?: true;
  /** Set: it parses JSON, and leaves that much garbage. */
  isJson?: boolean;
  /** Set: its vectors are close to the model's, not equal. The largest error of an element. */
  maxError?: number;
  open(setting: Setting): Promise<Peer>;
}

/** A batched read and a batched write of some store, by key. */
export interface BatchStore<Vector> {
  getMany(keys: string[]): Promise<(Vector | null | undefined)[]>;
  setMany(entries: [key: string, vector: Vector][]): Promise<unknown>;
}

/**
 * The cache-aside code that a team writes around a store: one read, one call of the model for what
 * is missing, one write.
 */
export async function cacheAside<Vector>(
  texts: string[],
  store: BatchStore<Vector>,
  model: (texts: string[]) => Promise<Vector[]>,
): Promise<Vector[]> {
  const keys = texts.map(keyOf);
  const found = await store.getMany(keys);
  const missing = found.flatMap((vector, index) => (vector === undefined || vector === null ? [index] : []));
  if (missing.length === 0) return found as Vector[];
  const computed = await model(missing.map((index) => texts[index] as string));
  const entries = computed.map((vector, i): [string, Vector] => [keys[missing[i] as number] as string, vector]);
  await store.setMany(entries);
  for (const [i, index] of missing.entries()) found[index] = computed[i];
  return found as Vector[];
}

/** The key of a text: a digest, as texts are long. */
export function keyOf(text: string): string {
  return `${MODEL}:${createHash('sha256').update(text).digest('hex')}`;
}
