import * as v from 'valibot';
import type { Cache } from '../cache/cache.js';
import type { Values } from '../cache/values.js';
import { checkOptions, ttlSchema } from '../options.js';
import type { Ttl } from '../ttl.js';

/**
 * What the source of truth says of a slug: what it names, where it went, or that there is nothing.
 */
export type SlugSource<T> = { value: T } | { redirect: string } | undefined;

/** What a slug led to. */
export interface ResolvedSlug<T> {
  /** The slug as it is now: another one than was asked for where that was renamed. */
  slug: string;
  value: T;
}

export interface SlugCacheOptions<T> {
  /** The source of truth, asked for what no tier has. */
  load: (slug: string) => Promise<SlugSource<T>> | SlugSource<T>;
  /** @default 'slugs' */
  namespace?: string | undefined;
  /** How long what was found stays. @default '1h' */
  ttl?: Ttl | undefined;
  /** How long it is remembered that there is nothing. @default '1m' */
  negativeTtl?: Ttl | undefined;
}

const optionsSchema = v.strictObject({
  load: v.custom<SlugCacheOptions<unknown>['load']>((value) => typeof value === 'function', 'a function'),
  namespace: v.optional(v.string(), 'slugs'),
  ttl: v.optional(ttlSchema, '1h'),
  negativeTtl: v.optional(ttlSchema, '1m'),
});

/** How many redirects are followed. */
const MAX_REDIRECTS = 8;

type Stored<T> = { value: T } | { redirect: string } | { absent: true };

/**
 * Slugs to what they name, through the tiers of a cache: memory, then what lies behind it, then the
 * source of truth, and what was found there is kept in all of them. That there is nothing is
 * remembered too, for a shorter time.
 *
 * Throws `InvalidOptionError` for options it does not take.
 */
export class SlugCache<T> {
  readonly #values: Values<Stored<T>>;
  readonly #load: SlugCacheOptions<T>['load'];
  readonly #ttl: number;
  readonly #negativeTtl: number;

  constructor(cache: Pick<Cache, 'values'>, options: SlugCacheOptions<T>) {
    const { namespace, ttl, negativeTtl } = checkOptions(optionsSchema, options, 'SlugCache options');
    this.#load = options.load;
    this.#ttl = ttl;
    this.#negativeTtl = negativeTtl;
    this.#values = cache.values(namespace);
  }

  /**
   * What a slug names, through redirects; undefined where there is nothing, or redirects lead
   * nowhere. Rejects with what `load` does.
   */
  async get(slug: string): Promise<ResolvedSlug<T> | undefined> {
    const seen = new Set<string>();
    for (let current = slug; seen.size <= MAX_REDIRECTS && !seen.has(current); ) {
      seen.add(current);
      const stored = await this.#lookUp(current);
      if ('value' in stored) return { slug: current, value: stored.value };
      if ('absent' in stored) return undefined;
      current = stored.redirect;
    }
    return undefined;
  }

  /** After something was made or changed. */
  async set(slug: string, value: T): Promise<void> {
    await this.#values.set(slug, { value }, { ttl: this.#ttl });
  }

  /** After a slug was changed: the old one leads to the new one. */
  async rename(from: string, to: string, value: T): Promise<void> {
    await this.#values.setMany(
      [
        [from, { redirect: to }],
        [to, { value }],
      ],
      { ttl: this.#ttl },
    );
  }

  /**
   * Forgets a slug: the source of truth is asked next. Rejects with `BackendError` where a tier
   * could not.
   */
  delete(slug: string): Promise<boolean> {
    return this.#values.delete(slug);
  }

  clear(): Promise<number> {
    return this.#values.clear();
  }

  async #lookUp(slug: string): Promise<Stored<T>> {
    const load = async (): Promise<Stored<T>> => (await this.#load(slug)) ?? { absent: true };
    const stored = await this.#values.getOrCompute(slug, load, {
      ttl: (loaded) => ('absent' in loaded ? this.#negativeTtl : this.#ttl),
    });
    // Somebody else may have written it, under this namespace or into the store.
    return isSound(stored) ? stored : load();
  }
}

function isSound(stored: unknown): boolean {
  if (typeof stored !== 'object' || stored === null) return false;
  const { redirect } = stored as { redirect?: unknown };
  return 'value' in stored || 'absent' in stored || typeof redirect === 'string';
}
