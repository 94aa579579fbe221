import { createHash } from 'node:crypto';
import type { Cache } from '../cache/cache.js';
import type { Values } from '../cache/values.js';
import { UserCounts, type UserCountsRecord } from '../policies/user-counts.js';

/** The namespace that counts are shared in. */
export const POPULAR_QUERIES = 'popular-queries';

export interface PopularQueriesOptions {
  /** The users whose queries are counted: those who searched last. */
  users: number;
  /** Milliseconds in which a count loses half of its weight. */
  halfLife: number;
}

/** A query, and the weight of how often it was asked. */
export interface PopularQuery {
  query: string;
  weight: number;
}

/**
 * Users are spread over this many records, so that little is read and written for a few of them.
 */
const RECORDS = 16;

/**
 * Longer queries are not counted, in UTF-16 units: whatever is counted is held in memory and
 * stored.
 */
const MAX_QUERY = 1000;

/**
 * Counts the queries of users in bounded memory, and adds what several processes counted up in the
 * cache. The queries themselves are stored there: sealed where the cache encrypts.
 */
export class PopularQueries {
  readonly #cache: Cache;
  readonly #shared: Values<UserCountsRecord>;
  readonly #options: PopularQueriesOptions;
  /** What was counted here since it was last shared. */
  #own: UserCounts;

  constructor(cache: Cache, options: PopularQueriesOptions) {
    this.#cache = cache;
    this.#options = options;
    // After ten half-lives nothing is left of a count.
    this.#shared = cache.values(POPULAR_QUERIES, { ttl: 10 * options.halfLife });
    this.#own = this.#noCounts(options.users);
  }

  count(userId: string, query: string): void {
    if (query !== '' && query.length <= MAX_QUERY) this.#own.add(userId, query, Date.now());
  }

  /**
   * Adds what was counted here to what is shared. One process at a time does so where the backend
   * has leases; elsewhere, and where a L1 hears late of changes, processes may overwrite each
   * other's latest counts. What cannot be shared is kept for the next time.
   */
  async share(): Promise<void> {
    const taken = this.#own;
    if (taken.userIds.length === 0) return;
    this.#own = this.#noCounts(this.#options.users);
    const isShared = await this.#cache.exclusively(POPULAR_QUERIES, () => this.#add(taken)).catch(() => false);
    if (isShared) return;
    // What was counted meanwhile is the later part.
    const now = Date.now();
    taken.addRecord(this.#own.toRecord(now), now);
    this.#own = taken;
  }

  /**
   * The `most` queries that each user asks most, each query once, the most popular of all first.
   */
  async top(most: number): Promise<PopularQuery[]> {
    await this.share();
    const now = Date.now();
    const weights = new Map<string, number>();
    for (const record of await this.#shared.getMany(Array.from({ length: RECORDS }, (_, i) => String(i)))) {
      const users = this.#usersOf(record, now);
      for (const userId of users.userIds) {
        for (const [query, count] of users.top(userId, most, now)) {
          weights.set(query, (weights.get(query) ?? 0) + count);
        }
      }
    }
    return Array.from(weights, ([query, weight]) => ({ query, weight })).sort((a, b) => b.weight - a.weight);
  }

  /**
   * Whether it was added: what could not be read must not be taken for nothing, or it would be
   * overwritten.
   */
  async #add(taken: UserCounts): Promise<boolean> {
    const now = Date.now();
    const parts = new Map<string, UserCountsRecord>();
    for (const user of taken.toRecord(now)) {
      const key = keyOf(user[0]);
      parts.set(key, [...(parts.get(key) ?? []), user]);
    }
    const keys = [...parts.keys()];
    const failures = this.#failures();
    const stored = await this.#shared.getMany(keys);
    if (this.#failures() > failures) return false;
    const entries = keys.map((key, i): [string, UserCountsRecord] => {
      const users = this.#usersOf(stored[i], now);
      users.addRecord(parts.get(key) ?? [], now);
      return [key, users.toRecord(now)];
    });
    await this.#shared.setMany(entries);
    return true;
  }

  #usersOf(record: UserCountsRecord | undefined, now: number): UserCounts {
    const users = this.#noCounts(Math.ceil(this.#options.users / RECORDS));
    if (isSound(record)) users.addRecord(record, now);
    return users;
  }

  #noCounts(users: number): UserCounts {
    return new UserCounts(users, this.#options.halfLife);
  }

  #failures(): number {
    return this.#cache.stats()[POPULAR_QUERIES]?.errors ?? 0;
  }
}

/** Whether what is stored is what `share` stores: somebody else may have written it. */
function isSound(record: unknown): record is UserCountsRecord {
  const isCount = (entry: unknown) =>
    isPair(entry) && isString(entry[0], MAX_QUERY) && Number.isFinite(entry[1]) && (entry[1] as number) >= 0;
  const isUser = (entry: unknown) => {
    if (!isPair(entry) || typeof entry[0] !== 'string') return false;
    const { at, counts } = (entry[1] ?? {}) as { at?: unknown; counts?: unknown };
    return Number.isFinite(at) && Array.isArray(counts) && counts.every(isCount);
  };
  return Array.isArray(record) && record.every(isUser);
}

function isPair(value: unknown): value is [unknown, unknown] {
  return Array.isArray(value) && value.length === 2;
}

function isString(value: unknown, longest: number): boolean {
  return typeof value === 'string' && value.length <= longest;
}

function keyOf(userId: string): string {
  return String((createHash('sha256').update(userId).digest()[0] as number) % RECORDS);
}
