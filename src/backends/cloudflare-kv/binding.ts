import { KvFailure, kvReason } from './error.js';
import { type KvNamespace, type KvPage, type KvPair, type KvRead, present } from './namespace.js';

/** What is used of a Worker's KV binding (`KVNamespace`). */
export interface KVBinding {
  getWithMetadata(
    keys: string[],
    options: { type: 'text'; cacheTtl?: number },
  ): Promise<Map<string, { value: string | null; metadata: unknown } | null>>;
  put(key: string, value: string, options?: { expirationTtl?: number; metadata?: unknown }): Promise<void>;
  delete(key: string): Promise<void>;
  list(options: {
    prefix: string;
    cursor?: string;
  }): Promise<{ keys: { name: string; metadata?: unknown }[]; list_complete: boolean; cursor?: string }>;
}

const METHODS = ['getWithMetadata', 'put', 'delete', 'list'] as const;

export function isBinding(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return METHODS.every((method) => typeof (value as Record<string, unknown>)[method] === 'function');
}

/** A namespace as a Worker has it. It reads in bulk; writes and removals take a request each. */
export class BindingNamespace implements KvNamespace {
  readonly pairsPerWrite = 1;
  readonly keysPerRemoval = 1;
  readonly #binding: KVBinding;
  readonly #readOptions: { type: 'text'; cacheTtl?: number };

  /** @param cacheTtl in seconds */
  constructor(binding: KVBinding, cacheTtl: number | undefined) {
    this.#binding = binding;
    this.#readOptions = cacheTtl === undefined ? { type: 'text' } : { type: 'text', cacheTtl };
  }

  async read(names: string[]): Promise<Map<string, KvRead>> {
    return present(await attempt(() => this.#binding.getWithMetadata(names, this.#readOptions)));
  }

  async write(pairs: KvPair[]): Promise<number> {
    for (const { name, value, ttlSeconds, metadata } of pairs) {
      const options = ttlSeconds === undefined ? { metadata } : { expirationTtl: ttlSeconds, metadata };
      await attempt(() => this.#binding.put(name, value, options));
    }
    return 0;
  }

  async remove(names: string[]): Promise<void> {
    for (const name of names) await attempt(() => this.#binding.delete(name));
  }

  async list(prefix: string, cursor: string | undefined): Promise<KvPage> {
    const page = await attempt(() => this.#binding.list(cursor === undefined ? { prefix } : { prefix, cursor }));
    return page.list_complete || page.cursor === undefined
      ? { keys: page.keys }
      : { keys: page.keys, cursor: page.cursor };
  }
}

async function attempt<T>(request: () => Promise<T>): Promise<T> {
  try {
    return await request();
  } catch (error) {
    const status = statusOf(error);
    if (status === undefined) throw new KvFailure(kvReason(error));
    throw new KvFailure(`HTTP ${status}`, Number(status));
  }
}

/** "KV PUT failed: 429 Too Many Requests": the status is all that may be told of it. */
function statusOf(error: unknown): string | undefined {
  try {
    return /\bfailed: (\d{3})\b/.exec((error as Error).message)?.[1];
  } catch {
    return undefined;
  }
}
