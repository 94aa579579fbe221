/**
 * Stored bits (docs/format.md section 2.4): `width` bits of each element, in planes of 16, 8 and fewer.
 */

/** The bytes that `n` elements of `width` bits take. */
export function storedBytes(width: number, n: number): number {
  return (width >= 16 ? 2 * n : 0) + ((width & 15) >= 8 ? n : 0) + Math.ceil((n * (width & 7)) / 8);
}

/** Writes the low `width` bits of the first `n` words at `at`; returns the offset after them. */
export function writeStoredBits(words: Int32Array, n: number, width: number, payload: Uint8Array, at: number): number {
  let offset = at;
  if (width >= 16) {
    for (let i = 0; i < n; i++) {
      const word = words[i] as number;
      payload[offset++] = word;
      payload[offset++] = word >>> 8;
    }
  }
  if ((width & 15) >= 8) {
    const shift = width & 16;
    for (let i = 0; i < n; i++) payload[offset++] = (words[i] as number) >>> shift;
  }
  const fieldBits = width & 7;
  if (fieldBits === 0) return offset;
  const shift = width - fieldBits;
  const mask = (1 << fieldBits) - 1;
  let bits = 0;
  let held = 0;
  for (let i = 0; i < n; i++) {
    bits |= (((words[i] as number) >>> shift) & mask) << held;
    held += fieldBits;
    if (held >= 8) {
      payload[offset++] = bits;
      bits >>>= 8;
      held -= 8;
    }
  }
  if (held > 0) payload[offset++] = bits;
  return offset;
}

/** Reads what `writeStoredBits` wrote into all of `words`. The payload holds `storedBytes` from `at` on. */
export function readStoredBits(payload: Uint8Array, at: number, width: number, words: Uint32Array): void {
  const n = words.length;
  let offset = at;
  if (width >= 16) {
    for (let i = 0; i < n; i++) {
      words[i] = (payload[offset] as number) | ((payload[offset + 1] as number) << 8);
      offset += 2;
    }
    if (width >= 24) {
      for (let i = 0; i < n; i++) words[i] = (words[i] as number) | ((payload[offset + i] as number) << 16);
      offset += n;
    }
  } else if (width >= 8) {
    for (let i = 0; i < n; i++) words[i] = payload[offset + i] as number;
    offset += n;
  } else words.fill(0);
  if ((width & 7) > 0) readFields(payload, offset, width & 7, width & 24, words);
}

/** Adds the fields of `size` bits from `at` on to `words`, at bit `shift`. */
function readFields(payload: Uint8Array, at: number, size: number, shift: number, words: Uint32Array): void {
  const n = words.length;
  const mask = (1 << size) - 1;
  const view = new DataView(payload.buffer, payload.byteOffset, payload.length);
  // Eight fields are `size` bytes. Each four of them lie in one word, that may begin half a byte before them.
  const second = size >> 1;
  const skipped = (size & 1) << 2;
  const whole = Math.min(n >> 3, Math.floor((payload.length - at - second - 4) / size) + 1);
  let offset = at;
  let i = 0;
  for (; i < 8 * whole; i += 8) {
    let four = view.getUint32(offset, true);
    words[i] = (words[i] as number) | ((four & mask) << shift);
    four >>>= size;
    words[i + 1] = (words[i + 1] as number) | ((four & mask) << shift);
    four >>>= size;
    words[i + 2] = (words[i + 2] as number) | ((four & mask) << shift);
    four >>>= size;
    words[i + 3] = (words[i + 3] as number) | ((four & mask) << shift);
    four = view.getUint32(offset + second, true) >>> skipped;
    words[i + 4] = (words[i + 4] as number) | ((four & mask) << shift);
    four >>>= size;
    words[i + 5] = (words[i + 5] as number) | ((four & mask) << shift);
    four >>>= size;
    words[i + 6] = (words[i + 6] as number) | ((four & mask) << shift);
    four >>>= size;
    words[i + 7] = (words[i + 7] as number) | ((four & mask) << shift);
    offset += size;
  }
  let bits = 0;
  let held = 0;
  for (; i < n; i++) {
    if (held < size) {
      bits |= (payload[offset++] as number) << held;
      held += 8;
    }
    words[i] = (words[i] as number) | ((bits & mask) << shift);
    bits >>>= size;
    held -= size;
  }
}
