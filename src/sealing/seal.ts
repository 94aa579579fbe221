import { Buffer } from 'node:buffer';
import { hkdfSync, randomBytes } from 'node:crypto';
import { selectEngine } from '../codec/engine/select.js';
import { SEALED, SEALED_OLD } from '../codec/modes.js';
import { createXaes, gcmDecrypt, TAG_BYTES, XAES_KEY_BYTES, XAES_NONCE_BYTES } from './xaes.js';

/**
 * Sealed records (docs/format.md section 2.3): a whole record, encrypted under a key of its own and
 * bound to the key it is stored under. What it does not stop is the return of an older record of
 * the same key.
 */
export interface Sealer {
  /** Seals with the newest secret. */
  seal(key: string, record: Uint8Array): Uint8Array;
  /**
   * The record inside; undefined for what is not sealed, with none of the secrets, or not under
   * this key.
   */
  open(key: string, sealed: Uint8Array): Uint8Array | undefined;
}

const KEY_ID_BYTES = 4;
const OLD_NONCE_BYTES = 12;

/**
 * @param secrets the newest first: what it seals is sealed with that, and opened with the one whose
 * id the record names
 */
export function createSealer(secrets: readonly [Uint8Array, ...Uint8Array[]], engine = selectEngine()): Sealer {
  const [newest] = secrets;
  const keysOf = new Map<string, SecretKeys[]>();
  for (const secret of secrets) {
    const keys = deriveKeys(secret);
    const id = keys.id.toString('hex');
    keysOf.set(id, [...(keysOf.get(id) ?? []), keys]);
  }
  const { id, xaes } = deriveKeys(newest);

  return {
    seal(key, record) {
      const nonce = randomBytes(XAES_NONCE_BYTES);
      const payload = Buffer.concat([id, nonce, ...xaes.encrypt(nonce, record, Buffer.from(key))]);
      return engine.writeRecords([key], [{ mode: SEALED, number: record.length, payload }])[0] as Uint8Array;
    },
    open(key, sealed) {
      const [frame] = engine.readRecords([key], [sealed]);
      if (typeof frame !== 'object') return undefined;
      const { mode, payload, number: length } = frame;
      const nonceBytes = mode === SEALED ? XAES_NONCE_BYTES : mode === SEALED_OLD ? OLD_NONCE_BYTES : undefined;
      if (nonceBytes === undefined || payload.length !== KEY_ID_BYTES + nonceBytes + length + TAG_BYTES)
        return undefined;
      const start = KEY_ID_BYTES + nonceBytes;
      const nonce = payload.subarray(KEY_ID_BYTES, start);
      const ciphertext = payload.subarray(start, start + length);
      const tag = payload.subarray(start + length);
      const data = Buffer.from(key);
      const found = Buffer.from(payload.buffer, payload.byteOffset, KEY_ID_BYTES).toString('hex');
      for (const { xaes, oldKey } of keysOf.get(found) ?? []) {
        const record =
          mode === SEALED
            ? xaes.decrypt(nonce, ciphertext, tag, data)
            : gcmDecrypt(oldKey, nonce, ciphertext, tag, data);
        if (record !== undefined) return new Uint8Array(record.buffer, record.byteOffset, record.length);
      }
      return undefined;
    },
  };
}

type SecretKeys = ReturnType<typeof deriveKeys>;

/** What is made of a secret, apart from whatever else it is used for. */
function deriveKeys(secret: Uint8Array) {
  const derive = (purpose: string, length: number) =>
    Buffer.from(hkdfSync('sha256', secret, new Uint8Array(0), `vecstash ${purpose}`, length));
  return {
    id: derive('key id 1', KEY_ID_BYTES),
    xaes: createXaes(derive('encryption 2', XAES_KEY_BYTES)),
    oldKey: derive('encryption 1', XAES_KEY_BYTES),
  };
}
