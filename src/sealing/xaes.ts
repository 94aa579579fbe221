import { Buffer } from 'node:buffer';
import { createCipheriv, createDecipheriv } from 'node:crypto';

/**
 * XAES-256-GCM (https://c2sp.org/XAES-256-GCM): AES-256-GCM under a key of its own for each nonce.
 * A nonce of 192 bits can be random: 2^80 messages under one key stay below a chance of 2^-32 that
 * two share one, where AES-GCM alone reaches that at 2^32.
 */
export interface Xaes {
  /** @returns the ciphertext and, behind it, the tag, in parts */
  encrypt(nonce: Uint8Array, plaintext: Uint8Array, data: Uint8Array): Uint8Array[];
  /** The plaintext; undefined where the tag is not right. */
  decrypt(nonce: Uint8Array, ciphertext: Uint8Array, tag: Uint8Array, data: Uint8Array): Buffer | undefined;
}

export const XAES_KEY_BYTES = 32;
export const XAES_NONCE_BYTES = 24;
export const TAG_BYTES = 16;

const GCM = 'aes-256-gcm';
const OPTIONS = { authTagLength: TAG_BYTES };
const HALF = XAES_NONCE_BYTES / 2;
const BLOCK = 16;

export function createXaes(key: Uint8Array): Xaes {
  // Block by block and without padding, ECB is the bare cipher, of which one object serves for
  // ever.
  const blockCipher = createCipheriv('aes-256-ecb', key, new Uint8Array(0)).setAutoPadding(false);
  const mask = doubled(blockCipher.update(Buffer.alloc(BLOCK)));

  /** The key of a nonce: CMAC, twice, of a counter and the nonce's first half. */
  const keyOf = (nonce: Uint8Array) => {
    const blocks = Buffer.alloc(2 * BLOCK);
    for (const [start, counter] of [
      [0, 1],
      [BLOCK, 2],
    ] as const) {
      blocks[start + 1] = counter;
      blocks[start + 2] = 0x58;
      blocks.set(nonce.subarray(0, HALF), start + 4);
      for (let i = 0; i < BLOCK; i++) blocks[start + i] = (blocks[start + i] as number) ^ (mask[i] as number);
    }
    return blockCipher.update(blocks);
  };

  return {
    encrypt(nonce, plaintext, data) {
      const cipher = createCipheriv(GCM, keyOf(nonce), nonce.subarray(HALF), OPTIONS).setAAD(data);
      return [cipher.update(plaintext), cipher.final(), cipher.getAuthTag()];
    },
    decrypt: (nonce, ciphertext, tag, data) => gcmDecrypt(keyOf(nonce), nonce.subarray(HALF), ciphertext, tag, data),
  };
}

/** What AES-256-GCM decrypts; undefined where the tag is not right. */
export function gcmDecrypt(
  key: Uint8Array,
  nonce: Uint8Array,
  ciphertext: Uint8Array,
  tag: Uint8Array,
  data: Uint8Array,
): Buffer | undefined {
  const decipher = createDecipheriv(GCM, key, nonce, OPTIONS).setAAD(data).setAuthTag(tag);
  try {
    return Buffer.concat([decipher.update(ciphertext), decipher.final()]);
  } catch {
    return undefined;
  }
}

/** A block as an element of GF(2^128), times x. */
function doubled(block: Uint8Array): Uint8Array {
  const out = new Uint8Array(BLOCK);
  for (let i = 0; i < BLOCK; i++) out[i] = ((block[i] as number) << 1) | ((block[i + 1] ?? 0) >> 7);
  if ((block[0] as number) & 0x80) out[BLOCK - 1] = (out[BLOCK - 1] as number) ^ 0x87;
  return out;
}
