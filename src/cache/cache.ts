import type { BackendHealth } from '../backends/backend.js';
import { withBreaker } from '../backends/breaker.js';
import { engineDigest, engineName } from '../codec/engine/select.js';
import { describeValue } from '../describe.js';
import { InvalidInputError, InvalidOptionError } from '../errors.js';
import { createKeyMaker } from '../keys/digest.js';
import { isName, keyPrefix, NAME_EXPECTED, reservedPrefix } from '../keys/key.js';
import { secretsOf } from '../keys/secrets.js';
import { checkOptions } from '../options.js';
import { createSealer } from '../sealing/seal.js';
import type { Embeddings } from './embeddings.js';
import { AdaptiveExpiry } from './expiry.js';
import { Flights } from './fill/flights.js';
import type { FlightResult, VectorFlights } from './fill/vector-flights.js';
import { Leases } from './locks/leases.js';
import type { NamespaceContext } from './namespace.js';
import { type CacheOptions, cacheSchema, type EmbeddingsOptions, type ValuesOptions } from './options.js';
import { type NamespaceStats, StatsRecorder } from './stats.js';
import { Store } from './store/store.js';
import { openEmbeddings } from './truncated.js';
import { type Values, ValuesNamespace } from './values.js';

/**
 * Which build of the core encodes and decodes: the addon ('native'), or WebAssembly ('portable').
 */
interface Engined {
  engine: 'native' | 'portable';
}

export interface CacheStats extends NamespaceStats, Engined {}

export interface CacheHealth extends BackendHealth, Engined {}

/** A cache over one backend. Namespaces keep what belongs together apart from the rest. */
export interface Cache {
  /** The vectors of one model. Throws `InvalidOptionError`. */
  embeddings<Input = string>(namespace: string, options: EmbeddingsOptions<Input>): Embeddings<Input>;
  /** Anything that msgpack can hold. Throws `InvalidOptionError`. */
  values<T>(namespace: string, options?: ValuesOptions): Values<T>;
  /**
   * Deletes one namespace, or everything under this cache's key prefix and version; returns how
   * many entries there were. Rejects with `BackendError` where the backend could not.
   */
  clear(namespace?: string): Promise<number>;
  /**
   * Runs `work` if no other caller does so under this name, in any process that shares the backend,
   * and resolves to what it gives; undefined where another one does. While it runs its lease is
   * renewed; where that fails, `signal` is aborted. A backend without leases
   * (`CacheBackend.leases`) keeps nobody out. Rejects with what `work` does, and with
   * `BackendError` where the backend could not tell.
   */
  exclusively<T>(name: string, work: (signal: AbortSignal) => Promise<T>): Promise<T | undefined>;
  /** What each namespace has seen since the cache was made. */
  stats(): Record<string, CacheStats>;
  /** Asks the backend; never rejects. */
  health(): Promise<CacheHealth>;
  /**
   * Waits for all calls that were accepted and for what they store, as long as something of it
   * still ends within 30 s, then closes the backend. Every later call throws `ClosedError`. Rejects
   * with `BackendError`, which says how many, where entries could not be stored.
   */
  close(): Promise<void>;
}

/** Throws `InvalidOptionError` where the option `cache` is none: JavaScript may hand in anything. */
export function checkCache(cache: unknown): asserts cache is Cache {
  if (typeof (cache as Cache | null | undefined)?.embeddings !== 'function')
    throw new InvalidOptionError('cache', 'a cache, as createCache makes it', describeValue(cache, 'cache'));
}

/** Throws `InvalidOptionError` for an option that is missing, unknown or out of range. */
export function createCache(options: CacheOptions): Cache {
  const checked = checkOptions(cacheSchema, options, 'options');
  const { digest, seal } = secretsOf(checked);
  const sealer = seal && createSealer(seal);
  const store = new Store(withBreaker(checked.backend), checked.readTimeout, options.logger, sealer);
  const canTouch = checked.backend.touchMany !== undefined;
  const leasePrefix = reservedPrefix(checked.keyPrefix, checked.version, 'leases');
  const leases = new Leases(checked.backend.leases, leasePrefix);
  const makeKeys = createKeyMaker(digest, engineDigest());
  const engine = engineName();
  const recorders = new Map<string, StatsRecorder>();
  const flights = new Map<string, VectorFlights>();
  const valueFlights = new Flights<unknown>();
  /** By namespace and policy: a namespace that is opened for each request has one. */
  const adaptive = new Map<string, AdaptiveExpiry>();

  function flightsOf(precision: unknown): VectorFlights {
    const id = JSON.stringify(precision);
    const known = flights.get(id) ?? new Flights<FlightResult>();
    flights.set(id, known);
    return known;
  }

  function open(namespace: string): NamespaceContext {
    const prefix = keyPrefix(checked.keyPrefix, checked.version, namespace);
    const recorder = recorders.get(namespace) ?? new StatsRecorder(namespace);
    recorders.set(namespace, recorder);
    const adaptiveFor: NamespaceContext['adaptive'] = (options) => {
      const id = `${namespace}:${JSON.stringify(options)}`;
      const expiry = adaptive.get(id) ?? new AdaptiveExpiry(options, store, recorder);
      adaptive.set(id, expiry);
      return expiry;
    };
    return {
      store,
      makeKeys,
      prefix,
      recorder,
      ttlMs: checked.ttl,
      flightsOf,
      valueFlights,
      adaptive: canTouch ? adaptiveFor : undefined,
    };
  }

  return {
    embeddings: (namespace, given) => openEmbeddings(open(namespace), given),
    values: (namespace, given = {}) => new ValuesNamespace(open(namespace), given),
    clear: async (namespace) =>
      store.clear(
        keyPrefix(checked.keyPrefix, checked.version, namespace),
        namespace === undefined ? undefined : recorders.get(namespace),
      ),
    exclusively: async (name, work) => {
      store.assertOpen();
      if (!isName(name)) throw new InvalidInputError('name', NAME_EXPECTED, describeValue(name, 'name'));
      return leases.run(name, work);
    },
    stats: () =>
      Object.fromEntries(Array.from(recorders, ([namespace, { stats }]) => [namespace, { ...stats, engine }])),
    health: async () => ({ ...(await store.health()), engine }),
    close: () => store.close(),
  };
}
