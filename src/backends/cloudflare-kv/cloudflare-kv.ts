import type { BackendLimits } from '../backend.js';
import { DefinedBackend } from '../shell/define-backend.js';
import { kvReason } from './error.js';
import { KEYS_PER_READ } from './namespace.js';
import { type CloudflareKVBackendOptions, openKv } from './options.js';
import { KV_LIMITS, requestBytes } from './record.js';
import { KvStore } from './store.js';

export type { KVBinding } from './binding.js';
export type { CloudflareKVBackendOptions } from './options.js';

/** What one write request carries at most, in bytes: KV takes 100 MB, but hardly in time. */
const BYTES_PER_WRITE = 20_000_000;

/**
 * Keeps records in Cloudflare Workers KV, through a Worker's binding or through the REST API. 100
 * keys are read in one request; a binding writes and removes one key a request, the REST API 1000.
 * Nothing is tried again.
 *
 * KV is eventually consistent: a write or a removal is seen at once where it was made, as a rule,
 * and elsewhere after up to 60 s (or `cacheTtl`, where that is longer). That a key is not there is
 * remembered as long. Counts are of what KV showed. KV takes one write a second to the same key,
 * and refuses others.
 *
 * Keys take up to 511 bytes, values up to 18 MB. Values are stored as base64, which is a third
 * larger. Entries whose TTL is shorter than KV's shortest, 60 s, are kept there for that long and
 * not returned when their own time is over, by this process's clock. A removal costs a read of the
 * same keys, to count them.
 *
 * KV has no conditional write, so there are neither leases nor locks: calls of one backend take
 * effect in their order, but what another process computed before a removal may be stored after it.
 *
 * Throws `InvalidOptionError` for options it does not take, and where there is neither a binding
 * nor all that the REST API needs.
 */
export class CloudflareKVBackend extends DefinedBackend {
  declare readonly limits: BackendLimits;

  constructor(options: CloudflareKVBackendOptions = {}) {
    const { namespace, ttl, requestTimeout, concurrency } = openKv(options);
    super(new KvStore(namespace, { requestTimeout, concurrency }), {
      name: 'CloudflareKVBackend',
      storeName: 'Cloudflare KV',
      limits: KV_LIMITS,
      ttl,
      keysPerRead: KEYS_PER_READ,
      entriesPerWrite: namespace.pairsPerWrite,
      bytesPerWrite: BYTES_PER_WRITE,
      bytesOf: requestBytes,
      concurrency,
      reasonOf: kvReason,
    });
  }
}
