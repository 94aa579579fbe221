/**
 * A text in memory of its own. Keys are cut from the text of up to 4096, which one of them would
 * keep alive: engines copy what is cut from what was just put together.
 */
export function copyOfText(text: string): string {
  return ` ${text}`.slice(1);
}

/** Bytes in memory of their own. `slice` of a Buffer is a view. */
export function copyOfBytes(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(bytes);
}
