import { Buffer } from 'node:buffer';
import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';
import { MODE } from './modes.js';
import { readRecord, writeRecord } from './record.js';

/**
 * Sealed records (docs/format.md section 2.3): a whole record under AES-256-GCM, bound to its key. What it does not stop is the
 * return of an older record of the same key.
 */
export interface Sealer {
  seal(key: string, record: Uint8Array): Uint8Array;
  /** The record inside; undefined for what is not sealed, not with this secret, or not under this key. */
  open(key: string, sealed: Uint8Array): Uint8Array | undefined;
}

const KEY_BYTES = 32;
const KEY_ID_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const OVERHEAD = KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES;

/** Derives the encryption key from `secret`, apart from whatever else the secret is used for. */
export function createSealer(secret: Uint8Array): Sealer {
  const derive = (purpose: string, length: number) =>
    Buffer.from(hkdfSync('sha256', secret, new Uint8Array(0), `vecstash ${purpose} 1`, length));
  const encryptionKey = derive('encryption', KEY_BYTES);
  const keyId = derive('key id', KEY_ID_BYTES);
  const options = { authTagLength: TAG_BYTES };

  return {
    seal(key, record) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv('aes-256-gcm', encryptionKey, nonce, options).setAAD(Buffer.from(key));
      const ciphertext = [cipher.update(record), cipher.final()];
      return writeRecord(
        key,
        MODE.sealed,
        record.length,
        Buffer.concat([keyId, nonce, ...ciphertext, cipher.getAuthTag()]),
      );
    },
    open(key, sealed) {
      const parsed = readRecord(key, sealed, undefined);
      if (typeof parsed === 'string' || parsed.mode !== MODE.sealed) return undefined;
      const { payload, dimensions: length } = parsed;
      if (payload.length !== length + OVERHEAD || !keyId.equals(payload.subarray(0, KEY_ID_BYTES))) return undefined;
      const start = KEY_ID_BYTES + NONCE_BYTES;
      const nonce = payload.subarray(KEY_ID_BYTES, start);
      const decipher = createDecipheriv('aes-256-gcm', encryptionKey, nonce, options)
        .setAAD(Buffer.from(key))
        .setAuthTag(payload.subarray(start + length));
      try {
        const record = Buffer.concat([decipher.update(payload.subarray(start, start + length)), decipher.final()]);
        return new Uint8Array(record.buffer, record.byteOffset, record.length);
      } catch {
        return undefined;
      }
    },
  };
}
