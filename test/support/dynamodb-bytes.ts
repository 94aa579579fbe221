import { createHash } from 'node:crypto';

/** Bytes of many lengths that both processes of a test know. */
export function bytesFor(n: number): Uint8Array {
  const block = createHash('sha512').update(String(n)).digest();
  return Uint8Array.from({ length: (n * 137) % 9000 }, (_, index) => (block[index % 64] as number) ^ (index >> 6));
}
