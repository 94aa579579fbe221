/** What a pair is stored with, and read back with. */
export interface KvPair {
  name: string;
  value: string;
  /** The TTL that KV itself is given, in seconds. */
  ttlSeconds?: number;
  metadata?: unknown;
}

/** What was read under a name. Nothing of it is trusted. */
export interface KvRead {
  value: unknown;
  metadata: unknown;
}

export interface KvPage {
  keys: { name: string; metadata?: unknown }[];
  /** Where the next page starts. Absent: this was the last. */
  cursor?: string;
}

/**
 * A way to a namespace: a Worker's binding or the REST API. Each call is one request, and fails
 * with `KvFailure`.
 */
export interface KvNamespace {
  /** How many pairs one request writes. */
  readonly pairsPerWrite: number;
  /** How many keys one request removes. */
  readonly keysPerRemoval: number;
  /** Reads up to `KEYS_PER_READ` names. What is not there is left out. */
  read(names: string[], signal: AbortSignal): Promise<Map<string, KvRead>>;
  /** Returns how many of the pairs were not stored. */
  write(pairs: KvPair[], signal: AbortSignal): Promise<number>;
  remove(names: string[], signal: AbortSignal): Promise<void>;
  list(prefix: string, cursor: string | undefined, signal: AbortSignal): Promise<KvPage>;
}

/** KV's limit on a bulk read. */
export const KEYS_PER_READ = 100;

/** What was read, by name, from a place where KV gives null for what is not there. */
export function present(answers: Iterable<[string, unknown]>): Map<string, KvRead> {
  const read = new Map<string, KvRead>();
  for (const [name, answer] of answers) {
    if (typeof answer !== 'object' || answer === null) continue;
    const { value, metadata } = answer as Partial<KvRead>;
    if (value !== null) read.set(name, { value, metadata });
  }
  return read;
}
