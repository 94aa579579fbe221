import { Buffer } from 'node:buffer';
import * as v from 'valibot';
import { InvalidOptionError } from '../errors.js';
import { isUint8Array } from '../realms.js';

/** A string, of which the UTF-8 counts, or bytes. */
export type Secret = string | Uint8Array;

/** What a cache is told of secrets. */
export interface SecretOptions {
  /**
   * Keys digests (HMAC-SHA256), so that nobody without it can test a guess of a text against the
   * stored keys. Of several the newest comes first: records are sealed with that, and opened with
   * all. @default none
   */
  secret?: Secret | readonly Secret[] | undefined;
  /**
   * What digests are keyed with. The oldest secret of `secret` is, unless this says otherwise: a
   * secret that is put in front changes no key. One that is dropped from the end changes all keys,
   * and makes everything a miss, unless this names it.
   * @default the last of `secret`
   */
  keySecret?: Secret | undefined;
  /**
   * Seals every record (XAES-256-GCM: AES-256-GCM under a key of its own) under a key derived from
   * the first `secret`, bound to the record's own key. Vectors can be turned back into text: do
   * this where others can read the store. The first secret must have at least 32 bytes: `openssl
   * rand -base64 32` prints one. @default false
   */
  encrypt?: boolean | undefined;
}

/** The least bytes of a secret to encrypt with. */
const MIN_BYTES = 32;

const isSecret = (value: unknown): value is Secret =>
  (typeof value === 'string' || isUint8Array(value)) && value.length > 0;

/** The parts of the options of a cache that `secretsOf` takes. */
export const secretEntries = {
  secret: v.optional(
    v.custom<Secret | readonly Secret[]>(
      (value) => (Array.isArray(value) ? value.length > 0 && value.every(isSecret) : isSecret(value)),
      'a string or bytes, not empty, or an array of such secrets, the newest first',
    ),
  ),
  keySecret: v.optional(v.custom<Secret>(isSecret, 'a string or bytes, not empty')),
  encrypt: v.optional(v.boolean(), false),
};

/** The secrets of a cache, in memory of their own. */
export interface Secrets {
  /** What digests are keyed with; undefined where they are not. */
  digest: Uint8Array | undefined;
  /** What records are sealed with, the newest first; undefined where they are not. */
  seal: [Uint8Array, ...Uint8Array[]] | undefined;
}

/** Throws `InvalidOptionError` where there is no secret to encrypt with, or a short one. */
export function secretsOf(options: { [Name in keyof SecretOptions]: SecretOptions[Name] | undefined }): Secrets {
  const { secret, keySecret, encrypt } = options;
  const secrets = secret === undefined ? [] : Array.isArray(secret) ? secret.map(bytesOf) : [bytesOf(secret as Secret)];
  const digest = keySecret === undefined ? secrets.at(-1) : bytesOf(keySecret);
  if (!encrypt) return { digest, seal: undefined };
  const [newest, ...older] = secrets;
  if (newest === undefined || newest.length < MIN_BYTES) {
    const expected = `at least ${MIN_BYTES} bytes to encrypt with (make one: openssl rand -base64 32)`;
    throw new InvalidOptionError('secret', expected, newest === undefined ? 'undefined' : `${newest.length}`);
  }
  return { digest, seal: [newest, ...older] };
}

function bytesOf(secret: Secret): Uint8Array {
  return new Uint8Array(typeof secret === 'string' ? Buffer.from(secret) : secret);
}
