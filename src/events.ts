import { channel } from 'node:diagnostics_channel';

/** What became of a key in a lookup. */
export type Outcome = 'hit' | 'miss' | 'corrupt' | 'unsupported';

/** A lookup of the cache: one call, each distinct key once. Keys are digests, no texts. */
export interface LookupEvent {
  namespace: string;
  keys: readonly string[];
  outcomes: readonly Outcome[];
  /** What the vector of each key took when it was computed, where it is a hit whose record says so. */
  tokens?: readonly (number | undefined)[];
  /** Bytes of the records found. */
  bytes: number;
  /** Reading and decoding, in milliseconds. */
  durationMs: number;
}

/** Records handed to the backend, or removed from it. */
export interface WriteEvent {
  namespace: string | undefined;
  operation: 'set' | 'delete' | 'clear';
  /** Entries written, or removed. */
  entries: number;
  bytes: number;
  durationMs: number;
  ok: boolean;
}

/** A call of the model. */
export interface ModelEvent {
  namespace: string;
  model: string;
  inputs: number;
  /** What the model said that the call took, where `embed` reported it. */
  tokens: number | undefined;
  durationMs: number;
  ok: boolean;
}

/**
 * A call to the backend that failed, timed out or was dropped, or, as the operation 'alert', an
 * alert of `watchAlerts` that could not be delivered, or, as 'drift', a check of `watchDrift` that
 * could not be made. `error` tells no key and no value.
 */
export interface FailureEvent {
  namespace: string | undefined;
  operation: string;
  error: string;
  /** Of the operation 'write': entries that are, as far as is known, not stored. */
  notStored?: number;
}

/** A circuit breaker opened, or is open no more. */
export interface BreakerEvent {
  /**
   * Tells breakers apart, also those of one name: no other breaker or queue of this process has it.
   */
  id: number;
  /** Such as 'reads'. */
  what: string;
  /** 'ended' where its backend was closed while it was open. */
  state: 'open' | 'closed' | 'ended';
}

/** A read of a `HybridBackend`: how many keys were asked for, and where they were found. */
export interface TiersEvent {
  keys: number;
  l1: number;
  /** On their way to L2. */
  queued: number;
  l2: number;
}

/** The queue of a `HybridBackend` that writes behind, after something happened to it. */
export interface QueueEvent {
  /** Tells queues apart: no other queue or breaker of this process has it. */
  id: number;
  queued: number;
  queuedBytes: number;
  /** The most bytes that it takes. */
  maxBytes: number;
  /** Entries written, since it was made. */
  written: number;
  /** Entries lost, since it was made. */
  dropped: number;
  /** Batches that failed and were tried again. */
  failures: number;
  /** Its backend was closed: this is the last that is told of it, and it holds nothing. */
  closed: boolean;
}

/** What is known of a check of `watchDrift`. */
export interface DriftEvent {
  namespace: string;
  model: string;
  /** The epoch after it, from 0. */
  epoch: number;
  /**
   * The median of how far the canaries moved, as a share of their length. Infinity where the
   * dimensions are others.
   */
  distance: number;
  /** From where on a canary has moved. */
  limit: number;
  /** How many have. */
  moved: number;
  canaries: number;
  /** Whether it is believed that the model's vectors changed. */
  drifted: boolean;
  /** Whether this process checked, and not another instance. */
  isOwn: boolean;
}

/** What vecstash emits, by `node:diagnostics_channel`. Nothing is made where nobody does. */
export const CHANNELS = {
  lookup: 'vecstash:lookup',
  write: 'vecstash:write',
  model: 'vecstash:model',
  failure: 'vecstash:failure',
  breaker: 'vecstash:breaker',
  tiers: 'vecstash:tiers',
  queue: 'vecstash:queue',
  drift: 'vecstash:drift',
} as const;

/** What each channel carries. */
export interface Events {
  lookup: LookupEvent;
  write: WriteEvent;
  model: ModelEvent;
  failure: FailureEvent;
  breaker: BreakerEvent;
  tiers: TiersEvent;
  queue: QueueEvent;
  drift: DriftEvent;
}

const channels = Object.fromEntries(
  Object.entries(CHANNELS).map(([event, name]) => [event, channel(name)]),
) as unknown as Record<keyof Events, ReturnType<typeof channel>>;

/**
 * Emits an event, which is made only where somebody listens. Never throws. Node throws what a
 * subscriber throws where nobody can catch it: those of vecstash catch everything themselves, as
 * `listen` has it.
 */
export function emit<Event extends keyof Events>(event: Event, make: () => Events[Event]): void {
  if (channels[event].hasSubscribers) quietly(() => channels[event].publish(make()));
}

/**
 * Calls what an application gave to be told of something, such as a logger. What it throws is lost,
 * and so is what its promise rejects with: neither must become the cache's error, or an unhandled
 * rejection.
 */
export function quietly(call: () => unknown): void {
  try {
    const result = call();
    // A thenable's own `then` may throw or reject, too.
    if (typeof result === 'object' && result !== null) Promise.resolve(result).then(undefined, () => {});
  } catch {
    // As above.
  }
}

/** A counter of the whole process: a bundle, or ESM beside CJS, can hold this module twice. */
const LAST_ID = Symbol.for('vecstash.lastId');

/** An id for a breaker or a queue, which no other of this process has. */
export function newId(): number {
  const shared = globalThis as { [LAST_ID]?: number };
  shared[LAST_ID] = (shared[LAST_ID] ?? 0) + 1;
  return shared[LAST_ID];
}
