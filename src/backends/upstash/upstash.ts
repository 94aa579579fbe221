/** 'vecstash/upstash': Upstash Redis, and Vercel KV, which became Upstash Redis. */
import type { Requester } from '@upstash/redis';
import * as v from 'valibot';
import { CallTracker } from '../../async/call-tracker.js';
import { BackendError, InvalidOptionError } from '../../errors.js';
import { checkOptions, ttlSchema } from '../../options.js';
import type { Ttl } from '../../ttl.js';
import type {
  BackendEntry,
  BackendHealth,
  BackendLeases,
  BackendLocks,
  BackendTouch,
  CacheBackend,
  ReadContext,
} from '../backend.js';
import type { Change } from '../change.js';
import { escapeGlob } from '../glob.js';
import { KeyOrder } from '../key-order.js';
import { leasesOver } from '../leases.js';
import { checkKeys, fits, splitByLimits } from '../limits.js';
import { livesOf } from '../lives.js';
import { locksOver } from '../locks.js';
import { credentialsOf, type EnvironmentNames, openRequester, requesterOf, type UpstashClient } from './client.js';
import { type Command, decodeValue, keyChunks, mget, ping, prolong, remove, scan, set, unlink } from './commands.js';
import { UpstashLeases } from './leases.js';
import { LONGEST_KEY, LONGEST_LOCKED, lockedKey, lockPattern } from './lock-names.js';
import { UpstashLocks } from './locks.js';
import { type Outcome, type RunOptions, UpstashRest } from './rest.js';

export type { UpstashClient };

export interface UpstashBackendOptions {
  /**
   * The `https://` URL of the database's REST API (not the `rediss://` one).
   * @default the environment variable UPSTASH_REDIS_REST_URL, or else KV_REST_API_URL; VercelKVBackend looks for them the other
   *   way round
   */
  url?: string | undefined;
  /**
   * The token of the REST API. A read-only one is enough where nothing is written.
   * @default the environment variable UPSTASH_REDIS_REST_TOKEN, or else KV_REST_API_TOKEN, of the same pair as the URL
   */
  token?: string | undefined;
  /**
   * Your own `Redis` of @upstash/redis instead of a URL and a token, whatever it does with values. Give it `responseEncoding: false`,
   * or answers are a third larger and slow to decode. Its own retries come into `requestTimeout`; where they repeat a removal, the
   * count of it is too low.
   */
  client?: UpstashClient | undefined;
  /**
   * The life of entries that bring no own.
   * @default none: they stay until the database evicts them, if it does
   */
  ttl?: Ttl | undefined;
  /**
   * How long one HTTP request may take, its repetition on a lost connection included. A call whose request is not answered in
   * time ends then, with all its other requests.
   * @default 5000 (5 s)
   */
  requestTimeout?: Ttl | undefined;
}

const UPSTASH_NAMES: EnvironmentNames = ['UPSTASH_REDIS_REST_URL', 'UPSTASH_REDIS_REST_TOKEN'];
const VERCEL_NAMES: EnvironmentNames = ['KV_REST_API_URL', 'KV_REST_API_TOKEN'];

const urlSchema = v.pipe(
  v.string('a URL'),
  v.check(
    (url) => /^https?:\/\/[^\s?#@$./][^\s?#@]*$/.test(url) && URL.canParse(url),
    'the https:// URL of the REST API, with no user, query or fragment',
  ),
);
const tokenSchema = v.pipe(v.string('a token'), v.regex(/^[\x21-\x7e]+$/, 'a token of printable ASCII without spaces'));
const optionsSchema = v.strictObject({
  url: v.optional(urlSchema),
  token: v.optional(tokenSchema),
  client: v.optional(v.custom<UpstashClient>((value) => requesterOf(value) !== undefined, 'a Redis of @upstash/redis')),
  ttl: v.optional(ttlSchema),
  requestTimeout: v.optional(ttlSchema, 5000),
});

/** How large a request, and so a value, may be depends on the plan. */
const LIMITS = { keyBytes: LONGEST_KEY };

/** A lock's name is longer than the key that it locks. */
const LOCK_LIMITS = { keyBytes: LONGEST_LOCKED };

/** What both backends are; they differ in the environment variables they look at first. */
abstract class RestBackend implements CacheBackend {
  readonly limits = LIMITS;
  /** Each is a key that holds its holder; ends are Upstash's. */
  readonly leases: BackendLeases;
  /** Each is a key that holds its holder, beside the key that it locks, which has at most 15,996 bytes; ends are Upstash's. */
  readonly locks: BackendLocks;
  readonly #rest: UpstashRest;
  readonly #ttl: number | undefined;
  readonly #calls: CallTracker;
  readonly #order = new KeyOrder();

  protected constructor(name: string, names: readonly EnvironmentNames[], options: UpstashBackendOptions) {
    const { requestTimeout, ttl, ...access } = checkOptions(optionsSchema, options, `${name} options`);
    this.#rest = new UpstashRest(accessWith(access, names), requestTimeout);
    this.#ttl = ttl;
    this.#calls = new CallTracker(name);
    // The same holder takes a name once more, and gives it back once more, with the same outcome.
    const leases = new UpstashLeases((commands) => this.#all(commands, { isRepeatable: true }));
    const run = <T>(call: () => Promise<T>) => this.#calls.run(call);
    this.leases = leasesOver(leases, run, this.limits);
    const locks = new UpstashLocks((commands) => this.#all(commands, { isRepeatable: true }), this.#order, ttl);
    this.locks = locksOver(locks, run, { limits: LOCK_LIMITS });
  }

  getMany(keys: readonly string[], context?: ReadContext): Promise<(Uint8Array | undefined)[]> {
    return this.#calls.run(async () => {
      checkKeys(keys);
      const chunks = keyChunks([...new Set(keys)].filter((key) => fits(key, this.limits)));
      const outcomes = await this.#rest.run(chunks.map(mget), { signal: context?.signal, isRepeatable: true });
      const failures = failuresOf(outcomes);
      if (failures.length > 0) {
        const error = new BackendError(`Upstash: ${failures[0]}`);
        if (!context || failures.length === outcomes.length) throw error;
        context.onPartialFailure(error);
      }
      const found = new Map<string, Uint8Array | undefined>();
      outcomes.forEach((outcome, index) => {
        if (outcome.failure !== undefined) return;
        chunks[index]?.forEach((key, place) => void found.set(key, decodeValue(outcome.value[place])));
      });
      return keys.map((key) => found.get(key));
    });
  }

  setMany(entries: readonly BackendEntry[]): Promise<void> {
    return this.#change({ keys: entries.map(({ key }) => key) }, async () => {
      // Requests overtake one another, so of a key that is written twice only the last entry is sent.
      const { fitting, error } = splitByLimits(entries, this.limits);
      const commands = fitting.map((entry) => set(entry, this.#ttl));
      // A repeated SET writes the same again, and only while the call is under way: no later write can be undone by it.
      const failures = failuresOf(await this.#rest.run(commands, { isRepeatable: true }));
      if (failures.length > 0) {
        throw new BackendError(`Upstash: ${failures.length} of ${commands.length} writes failed: ${failures[0]}`);
      }
      if (error) throw error;
    });
  }

  deleteMany(keys: readonly string[]): Promise<number> {
    return this.#change({ keys }, async () => {
      return this.#remove([...new Set(keys)].filter((key) => fits(key, this.limits)));
    });
  }

  clear(prefix: string): Promise<number> {
    return this.#change({ prefix }, async () => {
      if (!fits(prefix, this.limits)) return 0;
      const isCovered = (name: string) => lockedKey(name)?.startsWith(prefix) ?? false;
      // Locks first: otherwise what was locked before could be stored where it was cleared already.
      await this.#scan(lockPattern(prefix), (names) => this.#unlink(names.filter(isCovered)));
      return this.#scan(`${escapeGlob(prefix)}*`, async (names) => {
        // Whatever the store makes of a pattern, nothing else is removed; a lock is no record, and is not counted.
        const keys = names.filter((name) => name.startsWith(prefix) && lockedKey(name) === undefined);
        const [count] = await Promise.all([this.#unlink(keys), this.#unlink(names.filter(isCovered))]);
        return count;
      });
    });
  }

  touchMany(entries: readonly BackendTouch[]): Promise<void> {
    return this.#change({ keys: entries.map(({ key }) => key) }, async () => {
      const lives = livesOf(entries, this.limits);
      await this.#all(
        Array.from(lives, ([key, life]) => prolong(key, life)),
        { isRepeatable: true },
      );
    });
  }

  health(): Promise<BackendHealth> {
    return this.#calls.run(async () => {
      const start = performance.now();
      try {
        await this.#all([ping()], { isRepeatable: true });
        return { ok: true, latencyMs: performance.now() - start };
      } catch (error) {
        return { ok: false, latencyMs: Number.NaN, detail: (error as BackendError).message };
      }
    });
  }

  close(): Promise<void> {
    return this.#calls.close(async () => {});
  }

  /** Runs what changes keys, which are checked, after whatever touches the same ones: requests overtake one another. */
  #change<T>(change: Change, work: () => Promise<T>): Promise<T> {
    return this.#calls.run(async () => {
      checkKeys('prefix' in change ? [change.prefix] : change.keys);
      return this.#order.run(change, work);
    });
  }

  /** Looks through the database, and adds up what `work` says of the names that match. */
  async #scan(pattern: string, work: (names: string[]) => Promise<number>): Promise<number> {
    let count = 0;
    let cursor = '0';
    let names: string[] = [];
    do {
      // What one step found is removed while the next looks further, which SCAN allows.
      const [[page], counted] = await Promise.all([
        this.#all([scan(cursor, pattern)], { isRepeatable: true }),
        work(names),
      ]);
      count += counted;
      names = page?.keys ?? [];
      cursor = page?.cursor ?? '0';
    } while (cursor !== '0');
    return count + (await work(names));
  }

  /** Removes records, and ends their locks. */
  async #remove(keys: readonly string[]): Promise<number> {
    // Not repeated: a second UNLINK finds nothing of what the first has removed.
    const counts = await this.#all(keyChunks(keys).map(remove), { isRepeatable: false });
    return counts.reduce((sum, count) => sum + count, 0);
  }

  async #unlink(names: readonly string[]): Promise<number> {
    const counts = await this.#all(keyChunks(names).map(unlink), { isRepeatable: false });
    return counts.reduce((sum, count) => sum + count, 0);
  }

  /** What commands say, all of which must succeed. */
  async #all<T>(commands: Command<T>[], options: RunOptions): Promise<T[]> {
    return (await this.#rest.run(commands, options)).map((outcome) => {
      if (outcome.failure !== undefined) throw new BackendError(`Upstash: ${outcome.failure}`);
      return outcome.value;
    });
  }
}

/**
 * Keeps records in Upstash Redis over its REST API, with the package @upstash/redis, which is loaded where a client is to be made.
 * Values are stored as base64. A batch is one HTTP request, or several at the same time where it holds more than 1024 keys or about
 * 1 MB to write. Nothing is connected at construction.
 *
 * Throws `InvalidOptionError` for options it does not take, and where there is neither a client nor a URL with its token, here or
 * in the environment; `BackendError` where @upstash/redis is not installed.
 */
export class UpstashBackend extends RestBackend {
  constructor(options: UpstashBackendOptions = {}) {
    super('UpstashBackend', [UPSTASH_NAMES, VERCEL_NAMES], options);
  }
}

/**
 * `UpstashBackend` for what was Vercel KV: it looks for KV_REST_API_URL and KV_REST_API_TOKEN first, and for Upstash's own names
 * then.
 */
export class VercelKVBackend extends RestBackend {
  constructor(options: UpstashBackendOptions = {}) {
    super('VercelKVBackend', [VERCEL_NAMES, UPSTASH_NAMES], options);
  }
}

interface Access {
  url?: string | undefined;
  token?: string | undefined;
  client?: UpstashClient | undefined;
}

function accessWith({ url, token, client }: Access, names: readonly EnvironmentNames[]): Requester {
  if (client) {
    const other = url !== undefined ? 'url' : token !== undefined ? 'token' : undefined;
    if (other) throw new InvalidOptionError(other, `no ${other} beside a client`, 'both');
    return requesterOf(client) as Requester;
  }
  const credentials = credentialsOf({ url, token }, names);
  // The same rules for what comes from the environment.
  checkOptions(optionsSchema, credentials, 'the environment');
  return openRequester(credentials.url, credentials.token);
}

function failuresOf(outcomes: readonly Outcome<unknown>[]): string[] {
  return outcomes.flatMap(({ failure }) => failure ?? []);
}
