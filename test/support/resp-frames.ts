const LF = 0x0a;

/** Types whose header tells a length in bytes, and those whose header tells a number of elements. */
const BLOBS = '$!=';
const LISTS: Record<string, number> = { '*': 1, '~': 1, '>': 1, '%': 2, '|': 2 };

/**
 * Finds where whole RESP2 or RESP3 messages end in a stream of bytes. Keeps no payload: every byte of a chunk is handed on in a
 * piece, and each piece says whether a message ends with it.
 */
export class RespFrames {
  readonly #onPiece: (piece: Buffer, isEnd: boolean) => void;
  /** The line that is being read, while it is one. */
  #line = '';
  /** Bytes of a blob that are still to come, its CRLF included. */
  #blob = 0;
  /** Elements still to come, for each list that is open. */
  readonly #open: number[] = [];

  constructor(onPiece: (piece: Buffer, isEnd: boolean) => void) {
    this.#onPiece = onPiece;
  }

  feed(chunk: Buffer): void {
    let start = 0;
    let at = 0;
    while (at < chunk.length) {
      let isElement: boolean;
      if (this.#blob > 0) {
        const taken = Math.min(this.#blob, chunk.length - at);
        at += taken;
        this.#blob -= taken;
        isElement = this.#blob === 0;
      } else {
        const end = chunk.indexOf(LF, at);
        const next = end === -1 ? chunk.length : end + 1;
        this.#line += chunk.toString('latin1', at, next);
        at = next;
        isElement = end !== -1 && this.#endLine();
      }
      if (isElement && this.#endElement()) {
        this.#onPiece(chunk.subarray(start, at), true);
        start = at;
      }
    }
    if (start < chunk.length) this.#onPiece(chunk.subarray(start), false);
  }

  /** Whether an element ends with the line. */
  #endLine(): boolean {
    const line = this.#line;
    this.#line = '';
    const type = line[0] as string;
    const count = Number.parseInt(line.slice(1), 10);
    if (BLOBS.includes(type)) {
      this.#blob = count < 0 ? 0 : count + 2;
      return count < 0;
    }
    const each = LISTS[type];
    if (each === undefined || !(count > 0)) return true;
    this.#open.push(count * each);
    return false;
  }

  /** Whether a whole message ends with the element. */
  #endElement(): boolean {
    for (;;) {
      const last = this.#open.length - 1;
      if (last < 0) return true;
      this.#open[last] = (this.#open[last] as number) - 1;
      if ((this.#open[last] as number) > 0) return false;
      this.#open.pop();
    }
  }
}
