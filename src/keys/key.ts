import { describeValue } from '../describe.js';
import { InvalidOptionError } from '../errors.js';

declare const brand: unique symbol;

/** A whole key, as backends see it. Only this room makes them. */
export type CacheKey = string & { readonly [brand]: 'CacheKey' };

/** The part of a key that all keys of a namespace, or of a cache, start with. */
export type KeyPrefix = string & { readonly [brand]: 'KeyPrefix' };

const NAME = /^[A-Za-z0-9._-]{1,64}$/;

/** How a name is described where one is refused. */
export const NAME_EXPECTED = '1 to 64 characters of A-Z a-z 0-9 . _ -';

/**
 * Whether a string may be a key prefix or a namespace: the separator of keys is not in it, nor
 * anything that a store treats as special.
 */
export function isName(value: unknown): value is string {
  return typeof value === 'string' && NAME.test(value);
}

/** `prefix:v<version>:`, or with a namespace `prefix:v<version>:<namespace>:`. */
export function keyPrefix(prefix: string, version: number, namespace?: string): KeyPrefix {
  if (namespace === undefined) return `${prefix}:v${version}:` as KeyPrefix;
  if (!isName(namespace))
    throw new InvalidOptionError('namespace', NAME_EXPECTED, describeValue(namespace, 'namespace'));
  return `${prefix}:v${version}:${namespace}:` as KeyPrefix;
}

/**
 * What the cache's own entries of one kind start with, such as its leases. No namespace and no key
 * prefix can be called that, for no name has an `@`; and it lies outside of what all namespaces of
 * a version start with, so that no `clear` ends or counts them.
 */
export function reservedPrefix(prefix: string, version: number, kind: string): KeyPrefix {
  return `${prefix}:@${kind}:v${version}:` as KeyPrefix;
}

/** What stands before the digest in the keys of one fingerprint. */
export function fingerprintPrefix(prefix: KeyPrefix, fingerprint: string): KeyPrefix {
  return `${prefix}${fingerprint}:` as KeyPrefix;
}
