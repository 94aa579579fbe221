/**
 * Memory that one call of the portable engine after the other works in. Nothing in it outlives the call, and what takes some must not
 * call anything that takes the same.
 */
let symbols = new Uint8Array(0);
let integers = new Int32Array(0);

/** At least `n` bytes, of any content. */
export function symbolScratch(n: number): Uint8Array {
  if (symbols.length < n) symbols = new Uint8Array(n);
  return symbols;
}

/** At least `n` integers, of any content. */
export function integerScratch(n: number): Int32Array {
  if (integers.length < n) integers = new Int32Array(n);
  return integers;
}
