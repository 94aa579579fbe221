/** Msgpack that `pack` would not write, by its parts. */

/** `count` elements, each the bytes of `element`, as an array. */
export function packedArray(count: number, element: readonly number[]): Uint8Array {
  const bytes = Buffer.alloc(5 + count * element.length);
  bytes.fill(Uint8Array.from(element), 5);
  bytes[0] = 0xdd;
  bytes.writeUInt32BE(count, 1);
  return bytes;
}

/** Arrays within arrays. */
export function packedDeep(depth: number): Uint8Array {
  return Buffer.concat([Buffer.alloc(depth, 0x91), Uint8Array.of(0xc0)]);
}

export function packedText(text: string): number[] {
  return [0xa0 + text.length, ...Buffer.from(text)];
}
