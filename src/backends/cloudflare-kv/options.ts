import * as v from 'valibot';
import { InvalidOptionError } from '../../errors.js';
import { checkOptions, ttlSchema } from '../../options.js';
import type { Ttl } from '../../ttl.js';
import { BindingNamespace, isBinding, type KVBinding } from './binding.js';
import type { KvNamespace } from './namespace.js';
import { RestNamespace } from './rest.js';

export interface CloudflareKVBackendOptions {
  /** A Worker's binding of the namespace, such as `env.CACHE`. Without one the REST API is used. */
  binding?: KVBinding | undefined;
  /**
   * The account, for the REST API.
   * @default the environment variable CLOUDFLARE_ACCOUNT_ID
   */
  accountId?: string | undefined;
  /**
   * The namespace's id, for the REST API.
   * @default the environment variable CLOUDFLARE_KV_NAMESPACE_ID
   */
  namespaceId?: string | undefined;
  /**
   * An API token, for the REST API, with the permission "Workers KV Storage Write".
   * @default the environment variable CLOUDFLARE_API_TOKEN
   */
  token?: string | undefined;
  /**
   * Where the REST API is.
   * @default 'https://api.cloudflare.com/client/v4'
   */
  baseUrl?: string | undefined;
  /**
   * The TTL of entries that bring no own.
   * @default none: they stay until they are removed
   */
  ttl?: Ttl | undefined;
  /**
   * How long a request may take, its transfer included. A batch takes several.
   * @default 5000 (5 s)
   */
  requestTimeout?: Ttl | undefined;
  /**
   * How many requests a call has under way at once. A Worker has 6 connections, and is kept waiting
   * for more.
   * @default 6
   */
  concurrency?: number | undefined;
  /**
   * How long a place of Cloudflare's network may answer reads from its own copy, in whole seconds
   * rounded up, at least 30 s. Only with a binding. That a key is not there is kept as long.
   * @default KV's own, 60 s
   */
  cacheTtl?: Ttl | undefined;
}

/** KV's shortest `cacheTtl`, in milliseconds. */
const MIN_CACHE_TTL = 30_000;

const idSchema = v.pipe(v.string('an id'), v.regex(/^[\w-]+$/, 'an id of letters, digits, - and _'));

const optionsSchema = v.strictObject({
  binding: v.optional(v.custom<KVBinding>(isBinding, 'a KV binding, such as env.CACHE')),
  accountId: v.optional(idSchema),
  namespaceId: v.optional(idSchema),
  token: v.optional(v.pipe(v.string('an API token'), v.regex(/^[!-~]+$/, 'an API token'))),
  baseUrl: v.optional(
    v.pipe(v.string('a URL'), v.regex(/^https?:\/\/[^?#]+$/, 'a URL that starts with https:// or http://')),
  ),
  ttl: v.optional(ttlSchema),
  requestTimeout: v.optional(ttlSchema, 5000),
  concurrency: v.optional(
    v.pipe(v.number('a number'), v.safeInteger('a whole number'), v.minValue(1, 'at least 1')),
    6,
  ),
  cacheTtl: v.optional(v.pipe(ttlSchema, v.minValue(MIN_CACHE_TTL, "at least '30s'"))),
});

type Checked = v.InferOutput<typeof optionsSchema>;

/** Checks the options, and opens the way to the namespace that they name. */
export function openKv(options: CloudflareKVBackendOptions): Checked & { namespace: KvNamespace } {
  const checked = checkOptions(optionsSchema, options, WHAT);
  return {
    ...checked,
    namespace: checked.binding ? bindingNamespace(checked.binding, checked) : restNamespace(checked),
  };
}

const WHAT = 'CloudflareKVBackend options';

const REST_OPTIONS = ['accountId', 'namespaceId', 'token', 'baseUrl'] as const;

function bindingNamespace(binding: KVBinding, options: Checked): KvNamespace {
  for (const name of REST_OPTIONS) {
    if (options[name] !== undefined) throw new InvalidOptionError(name, `no ${name} beside a binding`, 'both');
  }
  const { cacheTtl } = options;
  return new BindingNamespace(binding, cacheTtl === undefined ? undefined : Math.ceil(cacheTtl / 1000));
}

function restNamespace(options: Checked): KvNamespace {
  if (options.cacheTtl !== undefined) throw new InvalidOptionError('cacheTtl', 'no cacheTtl without a binding', 'one');
  const needed = (name: 'accountId' | 'namespaceId' | 'token', variable: string): string => {
    // A Worker without nodejs_compat has no process.
    const value = options[name] ?? globalThis.process?.env?.[variable];
    if (value) return value;
    throw new InvalidOptionError(name, `a binding, or ${name} here or in ${variable}`, 'neither');
  };
  const access = {
    accountId: needed('accountId', 'CLOUDFLARE_ACCOUNT_ID'),
    namespaceId: needed('namespaceId', 'CLOUDFLARE_KV_NAMESPACE_ID'),
    token: needed('token', 'CLOUDFLARE_API_TOKEN'),
  };
  // The same rules for what comes from the environment.
  checkOptions(optionsSchema, access, WHAT);
  return new RestNamespace({ ...access, baseUrl: options.baseUrl ?? 'https://api.cloudflare.com/client/v4' });
}
