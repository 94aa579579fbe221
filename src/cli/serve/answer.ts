import { Buffer } from 'node:buffer';
import { LRUCache } from 'lru-cache';
import { eachAs, type Form } from '../../cache/answers.js';
import { floatText } from './float-text.js';

/** What is answered to a request for embeddings. */
export interface Answer {
  /** The texts of the vectors, as the writer's form makes them. */
  embeddings: readonly Buffer[];
  model: string;
  tokens: number;
}

/**
 * What the texts of one form may take with their vectors, in bytes: 2,200 as base64, 830 as numbers
 * of 1536 dimensions.
 */
const MAX_TEXT_BYTES = 32 * 2 ** 20;

/** What one takes beside its bytes: two views, an entry of the map. */
const TEXT_OVERHEAD = 512;

const MAX_HEADS = 2048;

/**
 * Writes answers in OpenAI's shape. It keeps texts of vectors that were answered before: they are
 * found by the vector itself, so that none is ever another's.
 */
export class AnswerWriter {
  readonly #numbers = formOf(new Texts(floatText));
  readonly #base64 = formOf(new Texts((_, bytes) => Buffer.from(`"${bytes.toString('base64')}"`, 'latin1')));

  /** What makes the texts of vectors. */
  form(isBase64: boolean): Form<Buffer> {
    return isBase64 ? this.#base64 : this.#numbers;
  }

  /** The parts of the text, one after the other: joined they would be copied once more. */
  write({ embeddings, model, tokens }: Answer): Buffer[] {
    const parts: Buffer[] = [];
    for (let i = 0; i < embeddings.length; i++) parts.push(headOf(i), embeddings[i] as Buffer);
    const usage = `{"prompt_tokens":${tokens},"total_tokens":${tokens}}`;
    parts.push(Buffer.from(`}],"model":${JSON.stringify(model)},"usage":${usage}}`));
    return parts;
  }
}

function formOf(texts: Texts): Form<Buffer> {
  return eachAs((vector) => texts.of(vector));
}

/** What stands before the vectors of the first inputs of any answer. */
const heads: Buffer[] = [];

function headOf(index: number): Buffer {
  const known = heads[index];
  if (known !== undefined) return known;
  const start = index === 0 ? '{"object":"list","data":[' : '},';
  const head = Buffer.from(`${start}{"object":"embedding","index":${index},"embedding":`, 'latin1');
  if (index < MAX_HEADS) heads[index] = head;
  return head;
}

/** Texts of vectors, the least recently used of which go first. */
class Texts {
  readonly #make: (vector: Float32Array, bytes: Buffer) => Buffer;
  readonly #known = new LRUCache<number, { bytes: Buffer; text: Buffer }>({
    maxSize: MAX_TEXT_BYTES,
    sizeCalculation: ({ bytes, text }) => TEXT_OVERHEAD + bytes.length + text.length,
  });

  constructor(make: (vector: Float32Array, bytes: Buffer) => Buffer) {
    this.#make = make;
  }

  of(vector: Float32Array): Buffer {
    const bytes = Buffer.from(vector.buffer, vector.byteOffset, vector.byteLength);
    // 52 bits of it, which few others have.
    const id = (bytes.readUInt32LE(0) & 0xfffff) * 2 ** 32 + bytes.readUInt32LE(bytes.length - 4);
    const known = this.#known.get(id);
    if (known?.bytes.equals(bytes)) return known.text;
    const own = ownCopiesOf(bytes, this.#make(vector, bytes));
    this.#known.set(id, own);
    return own.text;
  }
}

/** In memory of their own: a small Buffer keeps the block of many that it was cut from. */
function ownCopiesOf(bytes: Buffer, text: Buffer): { bytes: Buffer; text: Buffer } {
  const own = Buffer.allocUnsafeSlow(bytes.length + text.length);
  bytes.copy(own);
  text.copy(own, bytes.length);
  return { bytes: own.subarray(0, bytes.length), text: own.subarray(bytes.length) };
}
