import * as v from 'valibot';
import { bytesSchema, ttlSchema } from '../../options.js';
import type { Ttl } from '../../ttl.js';
import type { InvalidationBus } from '../bus.js';

/** How entries reach L2 after `setMany` has returned. */
export interface WriteBehindOptions {
  /**
   * The most that may be queued, in bytes of keys and values. While it is full, writes wait for
   * room.
   * @default 33_554_432 (32 MiB)
   */
  maxBytes?: number | undefined;
  /**
   * The longest time that a write waits for room. After that what found none is not queued: it is
   * counted as dropped, and the write rejects with `BackendError`.
   * @default '5s'
   */
  maxWait?: Ttl | undefined;
}

export interface HybridBackendOptions {
  /**
   * The longest TTL of a copy in L1: by as much a record may outlive its own time and, without a
   * bus, a change that another process made to L2.
   * @default '5m'
   */
  l1Ttl?: Ttl | undefined;
  /**
   * The TTL, in L2, of entries that bring no own.
   * @default what L2 itself has as its default
   */
  l2Ttl?: Ttl | undefined;
  /**
   * Writes return when L1 has them and there is room in a bounded queue, which feeds L2 in batches
   * and tries again until it takes them. `true` is the defaults. What a process that dies had
   * queued is lost. So is, with a bus, what was queued without a lock when the subscription was
   * lost: another instance may have removed it. Until it returns, writes wait for both tiers.
   * @default false
   */
  writeBehind?: boolean | WriteBehindOptions | undefined;
  /**
   * How instances that share L2 hear of one another's writes and removals. False: not at all, and
   * copies live for `l1Ttl`.
   * @default the bus of L2, where it has one (`RedisBackend`: pub/sub on one more connection)
   */
  bus?: InvalidationBus | false | undefined;
}

const busSchema = v.custom<InvalidationBus>(
  (value) => typeof (value as InvalidationBus | null)?.subscribe === 'function',
  'a bus, with subscribe and publish, or false',
);

export const optionsSchema = v.strictObject({
  l1Ttl: v.optional(ttlSchema, '5m'),
  l2Ttl: v.optional(ttlSchema),
  writeBehind: v.optional(
    v.union(
      [v.boolean(), v.strictObject({ maxBytes: v.optional(bytesSchema), maxWait: v.optional(ttlSchema) })],
      'true, false or { maxBytes: a whole number of bytes, maxWait: a time such as 5s }',
    ),
    false,
  ),
  bus: v.optional(v.union([v.literal(false), busSchema], 'a bus, with subscribe and publish, or false')),
});

/**
 * What is queued for L2, and what became of the rest. Counts are of entries, since the backend was
 * made.
 */
export interface WriteBehindStats {
  queued: number;
  queuedBytes: number;
  written: number;
  /** Not stored, since something newer had overtaken them in L2. */
  refused: number;
  /**
   * Lost: there was no room in time, L2 does not take such entries, changes of others may have been
   * missed, or `close` could not wait.
   */
  dropped: number;
  /** Batches that failed and were tried again. */
  failures: number;
}
