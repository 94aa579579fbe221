import { TextEncoder } from '../runtime.js';
import type { CacheKey, KeyPrefix } from './key.js';

/** What an input is known by: a text, or bytes. */
export type Identity = string | Uint8Array;

/**
 * The keys of a batch, in order, each the prefix and the digest of what an input is known by.
 * `hashes` gets 30 bits of each digest, which tell keys of one prefix apart well enough for a
 * table.
 */
export type KeyMaker = (prefix: KeyPrefix, identities: readonly Identity[], hashes?: Uint32Array) => CacheKey[];

/**
 * The digest of each identity behind the ASCII prefix, all of them end to end (docs/format.md
 * section 3): SHA-256, or with a secret HMAC-SHA256. A tag keeps a text, a text without UTF-8 of
 * its own and bytes apart, whatever they hold. At most `MAX_DIGESTS` of them.
 */
export type Digest = (secret: Uint8Array | undefined, prefix: Uint8Array, identities: readonly Identity[]) => string;

/** Digests of one call: texts lie on the stack. */
export const MAX_DIGESTS = 4096;

/** Characters of base64url kept of a digest: 132 bits. Every key ends with them. */
export const DIGEST_LENGTH = 22;

const utf8 = new TextEncoder();

/** Keys as in docs/format.md section 3. */
export function createKeyMaker(secret: Uint8Array | undefined, digest: Digest): KeyMaker {
  return (prefix, identities, hashes) => {
    const prefixBytes = utf8.encode(prefix);
    const length = prefix.length + DIGEST_LENGTH;
    const keys = new Array<CacheKey>(identities.length);
    for (let start = 0; start < keys.length; start += MAX_DIGESTS) {
      const count = Math.min(keys.length - start, MAX_DIGESTS);
      // Cut from one flat string, keys cost no copies when they are compared, joined and sent.
      const joined = digest(secret, prefixBytes, identities.slice(start, start + count));
      for (let i = 0; i < count; i++) {
        const end = (i + 1) * length;
        keys[start + i] = joined.substring(end - length, end) as CacheKey;
        // Of the flat string: a substring's characters are far slower to come by.
        if (hashes !== undefined) hashes[start + i] = hashBefore(joined, end);
      }
    }
    return keys;
  };
}

/** 30 bits of the digest that a key ends with. */
export function hashOfKey(key: string): number {
  return hashBefore(key, key.length);
}

/** The last five of a digest's characters, six bits each. */
function hashBefore(text: string, end: number): number {
  let hash = 0;
  for (let at = end - 5; at < end; at++) hash = (hash << 6) ^ text.charCodeAt(at);
  return hash >>> 0;
}
