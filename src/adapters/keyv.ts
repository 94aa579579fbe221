/** 'vecstash/keyv': a storage adapter of Keyv over any backend. */

import * as v from 'valibot';
import { BACKEND_EXPECTED, type CacheBackend, isBackend } from '../backends/backend.js';
import { engineDigest } from '../codec/engine/select.js';
import type { Compression } from '../codec/modes.js';
import { kindOf } from '../describe.js';
import { InvalidInputError, InvalidOptionError } from '../errors.js';
import { createKeyMaker } from '../keys/digest.js';
import { fingerprintPrefix, isName, type KeyPrefix, NAME_EXPECTED, reservedPrefix } from '../keys/key.js';
import { checkOptions } from '../options.js';
import { createValueCodec, valueCodecEntries } from '../values/codec.js';

export interface KeyvStoreOptions {
  /** Of the keys in the backend: 1 to 64 characters of A-Z a-z 0-9 . _ - @default 'vecstash' */
  keyPrefix?: string | undefined;
  /** A Keyv sets its own here. @default none */
  namespace?: string | undefined;
  /**
   * Whether what fails rejects, after the event `error`; otherwise a read finds nothing, and a
   * change returns false.
   * @default false
   */
  throwOnErrors?: boolean | undefined;
  /** @default 'auto', zstd where it wins */
  compression?: Compression | undefined;
  /** The most bytes that a value may have, at most 64 MiB. @default 16777216 (16 MiB) */
  maxValueBytes?: number | undefined;
}

const optionsSchema = v.strictObject({
  keyPrefix: v.optional(v.custom<string>(isName, NAME_EXPECTED), 'vecstash'),
  namespace: v.optional(v.string('text')),
  throwOnErrors: v.optional(v.boolean('true or false'), false),
  compression: valueCodecEntries.compression,
  maxValueBytes: valueCodecEntries.maxValueBytes,
});

/** What is written. */
interface Entry {
  key: string;
  value: unknown;
  ttl?: number | undefined;
}

/** The argument that a key came in, by its place. */
type FieldOf = (index: number) => string;

type Listener = (...data: unknown[]) => void;

// biome-ignore lint/suspicious/noExplicitAny: as Keyv's own types have it, which differ between 5 and 6
type KeyvAny = any;

/**
 * A storage adapter for Keyv 5 and 6: `new Keyv({ store: new KeyvStore(backend) })`, one for each
 * Keyv. What Keyv serialises is stored as a record of a value (docs/format.md), compressed and with
 * a checksum over its key: what a store mixed up or damaged is not found. Keys are hashed, so that
 * any text may be one. TTLs are those of the backend, to the millisecond where it keeps them so.
 *
 * It cannot iterate, for backends cannot list. `disconnect` closes the backend.
 *
 * Throws `InvalidOptionError` for what is no backend, and for options it does not take.
 */
export class KeyvStore {
  /** Keyv asks an adapter for it. */
  readonly opts: Record<string, unknown>;
  readonly #backend: CacheBackend;
  readonly #root: KeyPrefix;
  readonly #throws: boolean;
  readonly #codec: ReturnType<typeof createValueCodec>;
  readonly #makeKeys = createKeyMaker(undefined, engineDigest());
  readonly #listeners = new Map<string, Set<Listener>>();
  #namespace: string | undefined;
  #prefix: KeyPrefix;

  constructor(backend: CacheBackend, options: KeyvStoreOptions = {}) {
    if (!isBackend(backend)) throw new InvalidOptionError('backend', BACKEND_EXPECTED, 'something else');
    const checked = checkOptions(optionsSchema, options, 'KeyvStore options');
    const { keyPrefix, namespace, throwOnErrors, ...codec } = checked;
    this.opts = { ...options };
    this.#backend = backend;
    this.#throws = throwOnErrors;
    this.#codec = createValueCodec(codec);
    this.#root = reservedPrefix(keyPrefix, 1, 'keyv');
    this.#namespace = namespace;
    this.#prefix = this.#prefixOf(namespace);
  }

  /** What `clear` clears: the keys of a namespace, or those of none. */
  get namespace(): string | undefined {
    return this.#namespace;
  }

  /** Throws `InvalidInputError` for what is no text. */
  set namespace(namespace: string | undefined) {
    if (typeof namespace !== 'string' && namespace != null)
      throw new InvalidInputError('namespace', 'text', kindOf(namespace));
    this.#namespace = namespace;
    this.#prefix = this.#prefixOf(namespace);
  }

  async get(key: string): Promise<KeyvAny> {
    return (await this.#read([key], () => 'key'))[0];
  }

  async getMany(keys: readonly string[]): Promise<KeyvAny[]> {
    return this.#read(keys);
  }

  async has(key: string): Promise<boolean> {
    return (await this.get(key)) !== undefined;
  }

  async hasMany(keys: readonly string[]): Promise<boolean[]> {
    return (await this.getMany(keys)).map((value) => value !== undefined);
  }

  /** @param ttl in milliseconds; 0 is none */
  async set(key: string, value: unknown, ttl?: number): Promise<boolean> {
    return (await this.#write([{ key, value, ttl }], () => 'key'))[0] as boolean;
  }

  /** @returns for each entry whether it was stored; false for all where the write failed */
  async setMany(entries: readonly { key: string; value: unknown; ttl?: number | undefined }[]): Promise<KeyvAny> {
    return this.#write(entries, (i) => `entries[${i}].key`);
  }

  async delete(key: string): Promise<boolean> {
    return this.#remove([key], () => 'key');
  }

  /** @returns whether any of the keys was there */
  async deleteMany(keys: readonly string[]): Promise<boolean> {
    return this.#remove(keys);
  }

  async clear(): Promise<void> {
    await this.#attempt(0, () => this.#backend.clear(this.#prefix));
  }

  /** Closes the backend. */
  async disconnect(): Promise<void> {
    await this.#attempt(undefined, () => this.#backend.close());
  }

  /** The event `error` brings what failed. */
  on(event: string, listener: Listener): this {
    const listeners = this.#listeners.get(event) ?? new Set();
    this.#listeners.set(event, listeners.add(listener));
    return this;
  }

  off(event: string, listener: Listener): this {
    this.#listeners.get(event)?.delete(listener);
    return this;
  }

  #read(keys: readonly string[], fieldOf?: FieldOf): Promise<KeyvAny[]> {
    const none = Array.isArray(keys) ? keys.map(() => undefined) : [];
    return this.#attempt(none, async () => {
      const names = this.#keysOf(keys, fieldOf);
      const failures: unknown[] = [];
      const records = await this.#backend.getMany(names, {
        signal: new AbortController().signal,
        onPartialFailure: (error) => failures.push(error),
      });
      if (failures.length > 0 && this.#throws) throw failures[0];
      for (const error of failures) this.#emitError(error);
      return this.#codec.decodeMany(names, records);
    });
  }

  #write(entries: readonly Entry[], fieldOf: FieldOf): Promise<boolean[]> {
    const outcome = (stored: boolean) => (Array.isArray(entries) ? entries.map(() => stored) : []);
    return this.#attempt(outcome(false), async () => {
      if (!Array.isArray(entries)) throw new InvalidInputError('entries', 'an array', kindOf(entries));
      const names = this.#keysOf(
        entries.map((entry) => entry?.key),
        fieldOf,
      );
      const records = this.#codec.encodeMany(
        names,
        entries.map(({ value }) => value),
      );
      await this.#backend.setMany(
        entries.map(({ ttl }, i) => ({ key: names[i] as string, value: records[i] as Uint8Array, ttlMs: ttlMs(ttl) })),
      );
      return outcome(true);
    });
  }

  #remove(keys: readonly string[], fieldOf?: FieldOf): Promise<boolean> {
    return this.#attempt(false, async () => (await this.#backend.deleteMany(this.#keysOf(keys, fieldOf))) > 0);
  }

  #keysOf(keys: readonly string[], fieldOf: FieldOf = (i) => `keys[${i}]`): string[] {
    if (!Array.isArray(keys)) throw new InvalidInputError('keys', 'an array of strings', kindOf(keys));
    const wrong = keys.findIndex((key) => typeof key !== 'string');
    if (wrong >= 0) throw new InvalidInputError(fieldOf(wrong), 'a string', kindOf(keys[wrong]));
    return this.#makeKeys(this.#prefix, keys);
  }

  /** A namespace that is no name in keys is hashed. */
  #prefixOf(namespace: string | undefined): KeyPrefix {
    if (!namespace) return fingerprintPrefix(this.#root, '@');
    if (isName(namespace)) return fingerprintPrefix(this.#root, namespace);
    const [hashed = ''] = this.#makeKeys(this.#root, [namespace]);
    return fingerprintPrefix(this.#root, `@${hashed.slice(this.#root.length)}`);
  }

  async #attempt<T>(otherwise: T, work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      this.#emitError(error);
      if (this.#throws) throw error;
      return otherwise;
    }
  }

  #emitError(error: unknown): void {
    for (const listener of this.#listeners.get('error') ?? []) listener(error);
  }
}

/** Of a TTL as Keyv has it: 0 and what is no time is none, and one that is over is the shortest. */
function ttlMs(ttl: number | undefined): number | undefined {
  return ttl && Number.isFinite(ttl) ? Math.max(ttl, 1) : undefined;
}
