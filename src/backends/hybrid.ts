import * as v from 'valibot';
import { describeValue } from '../describe.js';
import { InvalidOptionError } from '../errors.js';
import { checkOptions, ttlSchema } from '../options.js';
import type { Ttl } from '../ttl.js';
import {
  BACKEND_EXPECTED,
  type BackendEntry,
  type BackendHealth,
  type CacheBackend,
  isBackend,
  type ReadContext,
} from './backend.js';
import { withBreaker } from './breaker.js';
import { OpenCalls } from './open-calls.js';
import { Overlaps } from './overlap.js';

export interface HybridBackendOptions {
  /**
   * The longest life of a copy in the first tier: by as much a record may outlive its own time, or a change that another
   * process made to the second tier.
   * @default '5m'
   */
  l1Ttl?: Ttl;
  /**
   * The life, in the second tier, of entries that bring no own.
   * @default what the second tier itself has as its default
   */
  l2Ttl?: Ttl;
}

const optionsSchema = v.strictObject({ l1Ttl: v.optional(ttlSchema, '5m'), l2Ttl: v.optional(ttlSchema) });

/**
 * Two tiers: a near one, usually `MemoryBackend`, and a far one that several processes share. Reads ask the second tier only
 * for what the first one lacks, and copy what it has to the first. Writes go to both. Where the second tier is down or slow,
 * circuit breakers keep it out of the way (see `withBreaker`), and what the first tier has is still served to a reader who
 * gave a context.
 *
 * Throws `InvalidOptionError` for options it does not take.
 */
export class HybridBackend implements CacheBackend {
  /** The second tier has breakers of its own; one before both tiers would cut off the first. */
  readonly isolatesFailures = true;
  readonly #l1: CacheBackend;
  readonly #l2: CacheBackend;
  readonly #l1Ttl: number;
  readonly #l2Ttl: number | undefined;
  readonly #calls = new OpenCalls('HybridBackend');
  readonly #overlaps = new Overlaps();

  /** The tiers belong to this backend from now on: closing it closes them. */
  constructor(l1: CacheBackend, l2: CacheBackend, options: HybridBackendOptions = {}) {
    const { l1Ttl, l2Ttl } = checkOptions(optionsSchema, options, 'HybridBackend options');
    this.#l1 = checkBackend(l1, 'l1');
    this.#l2 = withBreaker(checkBackend(l2, 'l2'));
    this.#l1Ttl = l1Ttl;
    this.#l2Ttl = l2Ttl;
  }

  /** Without a context, a failure of either tier rejects; with one, it is told to it and what the other tier has is returned. */
  getMany(keys: readonly string[], context?: ReadContext): Promise<(Uint8Array | undefined)[]> {
    return this.#calls.run(() =>
      this.#overlaps.read(async (wasWritten) => {
        const values = await partOf(this.#l1, keys, context);
        const missing = keys.flatMap((_, place) => (values[place] === undefined ? [place] : []));
        if (missing.length === 0) return values;

        const missingKeys = missing.map((place) => keys[place] as string);
        const found = await partOf(this.#l2, missingKeys, context);
        const copies: BackendEntry[] = [];
        for (const [index, place] of missing.entries()) {
          const value = found[index];
          if (value === undefined) continue;
          values[place] = value;
          const key = keys[place] as string;
          if (!wasWritten(key)) copies.push({ key, value, ttlMs: this.#l1Ttl });
        }
        // The answer does not wait for the copies, and loses nothing where they fail.
        if (copies.length > 0) this.#l1.setMany(copies).catch(() => {});
        return values;
      }),
    );
  }

  setMany(entries: readonly BackendEntry[]): Promise<void> {
    const near = entries.map((entry) => ({ ...entry, ttlMs: Math.min(entry.ttlMs ?? this.#l1Ttl, this.#l1Ttl) }));
    const l2Ttl = this.#l2Ttl;
    const far = l2Ttl === undefined ? entries : entries.map((entry) => ({ ...entry, ttlMs: entry.ttlMs ?? l2Ttl }));
    return this.#write(new Set(entries.map((entry) => entry.key)), async () => {
      await both(this.#l1.setMany(near), this.#l2.setMany(far));
    });
  }

  /** Returns what the second tier counts: the first one holds copies. */
  deleteMany(keys: readonly string[]): Promise<number> {
    return this.#write(new Set(keys), () => both(this.#l1.deleteMany(keys), this.#l2.deleteMany(keys)));
  }

  /** Returns what the second tier counts: the first one holds copies. */
  clear(prefix: string): Promise<number> {
    const touched = { has: (key: string) => key.startsWith(prefix) };
    return this.#write(touched, () => both(this.#l1.clear(prefix), this.#l2.clear(prefix)));
  }

  /** The latency is the second tier's. */
  health(): Promise<BackendHealth> {
    return this.#calls.run(async () => {
      const [near, far] = await Promise.all([this.#l1.health(), this.#l2.health()]);
      const detail = [near.detail && `l1: ${near.detail}`, far.detail && `l2: ${far.detail}`]
        .filter(Boolean)
        .join('; ');
      return { ok: near.ok && far.ok, latencyMs: far.latencyMs, ...(detail && { detail }) };
    });
  }

  close(): Promise<void> {
    return this.#calls.close(() => both(this.#l1.close(), this.#l2.close()));
  }

  #write<T>(touched: { has(key: string): boolean }, write: () => Promise<T>): Promise<T> {
    return this.#calls.run(() => this.#overlaps.write((key) => touched.has(key), write));
  }
}

async function partOf(
  tier: CacheBackend,
  keys: readonly string[],
  context?: ReadContext,
): Promise<(Uint8Array | undefined)[]> {
  try {
    return await tier.getMany(keys, context);
  } catch (error) {
    if (!context) throw error;
    context.onPartialFailure(error);
    return new Array(keys.length).fill(undefined);
  }
}

/** Waits for both, so that a failure of one leaves nothing under way; returns what the second has. */
async function both<T>(first: Promise<unknown>, second: Promise<T>): Promise<T> {
  const [near, far] = await Promise.allSettled([first, second]);
  if (far.status === 'rejected') throw far.reason;
  if (near.status === 'rejected') throw near.reason;
  return far.value;
}

function checkBackend(backend: unknown, option: string): CacheBackend {
  if (isBackend(backend)) return backend;
  throw new InvalidOptionError(option, BACKEND_EXPECTED, describeValue(backend, option));
}
