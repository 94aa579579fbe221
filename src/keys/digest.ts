import * as crypto from 'node:crypto';
import type { CacheKey, KeyPrefix } from './key.js';

/** What an input is known by: a text, or bytes. */
export type Identity = string | Uint8Array;

/**
 * The keys of a batch, in order, each the prefix and the digest of what an input is known by. `hashes` gets 30 bits of each digest, which
 * tell keys of one prefix apart well enough for a table.
 */
export type KeyMaker = (prefix: KeyPrefix, identities: readonly Identity[], hashes?: Uint32Array) => CacheKey[];

/** The same for strings, end to end: what the native engine offers. */
export type NativeDigest = (secret: Uint8Array | undefined, prefix: Uint8Array, ...inputs: string[]) => string;

/** Strings of one call: they lie on the stack. */
const MOST_STRINGS = 4096;

/** Characters of base64url kept of a digest: 132 bits. Every key ends with them. */
export const DIGEST_LENGTH = 22;

/**
 * Keys as in docs/format.md section 3. A tag keeps a text, a text without UTF-8 of its own and bytes apart, whatever they hold.
 */
export function createKeyMaker(secret: Uint8Array | undefined, native: NativeDigest | undefined): KeyMaker {
  const hash = secret === undefined ? sha256 : hmac(secret);
  const digest = (identity: Identity): string => {
    if (typeof identity !== 'string') return hash(Buffer.concat([Buffer.from('b'), identity])).slice(0, DIGEST_LENGTH);
    if (identity.isWellFormed()) return hash(`t${identity}`).slice(0, DIGEST_LENGTH);
    return hash(Buffer.concat([Buffer.from('u'), Buffer.from(identity, 'utf16le')])).slice(0, DIGEST_LENGTH);
  };

  return (prefix, identities, hashes) => {
    if (native === undefined || !identities.every((identity) => typeof identity === 'string')) {
      return identities.map((identity, i) => {
        const key = prefix + digest(identity);
        if (hashes !== undefined) hashes[i] = hashBefore(key, key.length);
        return key as CacheKey;
      });
    }
    const prefixBytes = Buffer.from(prefix);
    const length = prefix.length + DIGEST_LENGTH;
    const keys = new Array<CacheKey>(identities.length);
    for (let start = 0; start < keys.length; start += MOST_STRINGS) {
      const texts = identities.slice(start, start + MOST_STRINGS) as string[];
      // Cut from one flat string, keys cost no copies when they are compared, joined and sent.
      const joined = native(secret, prefixBytes, ...texts);
      for (let i = 0; i < texts.length; i++) {
        const end = (i + 1) * length;
        keys[start + i] = joined.substring(end - length, end) as CacheKey;
        // Of the flat string: a substring's characters are far slower to come by.
        if (hashes !== undefined) hashes[start + i] = hashBefore(joined, end);
      }
    }
    return keys;
  };
}

/** The last five of a digest's characters, six bits each. */
function hashBefore(text: string, end: number): number {
  let hash = 0;
  for (let at = end - 5; at < end; at++) hash = (hash << 6) ^ text.charCodeAt(at);
  return hash >>> 0;
}

/** One call where this Node has it (20.12 on), which is twice as fast. */
const sha256: (data: string | Uint8Array) => string =
  typeof crypto.hash === 'function'
    ? (data) => crypto.hash('sha256', data, 'base64url')
    : (data) => crypto.createHash('sha256').update(data).digest('base64url');

function hmac(secret: Uint8Array): (data: string | Uint8Array) => string {
  return (data) => crypto.createHmac('sha256', secret).update(data).digest('base64url');
}
