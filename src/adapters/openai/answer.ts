import { EmbedError } from '../../errors.js';

/** What `POST /v1/embeddings` answers. */
export interface EmbeddingsAnswer {
  object: 'list';
  data: { object: 'embedding'; index: number; embedding: number[] | string }[];
  model: string;
  usage: { prompt_tokens: number; total_tokens: number };
}

/** What was read of an upstream's answer. */
export interface UpstreamAnswer {
  /** In the order of the inputs. What their elements are is not checked here. */
  vectors: ArrayLike<number>[];
  /** What the upstream calls the model, and the tokens of the call, where it told. */
  model: string | undefined;
  tokens: number | undefined;
}

/**
 * Reads what an upstream answered for `count` inputs: a row for each, in any order, by their
 * `index`; each an array of numbers, or base64 of little-endian float32s. Throws `EmbedError`.
 */
export function readAnswer(answer: unknown, count: number): UpstreamAnswer {
  const { data, model, usage } = (answer ?? {}) as { data?: unknown; model?: unknown; usage?: unknown };
  if (!Array.isArray(data)) throw refused('without an array named data');
  if (data.length !== count) throw refused(`${data.length} embeddings for ${count} inputs`);
  const vectors = new Array<ArrayLike<number> | undefined>(count);
  // Without any index they are in order; a server that leaves zeros out means 0.
  const hasIndexes = data.some((row) => row?.index !== undefined);
  for (let i = 0; i < count; i++) {
    const { embedding, index = hasIndexes ? 0 : i } = (data[i] ?? {}) as { embedding?: unknown; index?: unknown };
    if (!(Number.isInteger(index) && (index as number) >= 0 && (index as number) < count))
      throw refused(`data[${i}] without an index from 0 to ${count - 1}`);
    if (vectors[index as number] !== undefined) throw refused(`two embeddings of index ${index}`);
    const vector = typeof embedding === 'string' ? fromBase64(embedding) : embedding;
    if (!Array.isArray(vector) && !ArrayBuffer.isView(vector))
      throw refused(`data[${i}].embedding that is neither an array of numbers nor base64 of float32s`);
    vectors[index as number] = vector as ArrayLike<number>;
  }
  return {
    vectors: vectors as ArrayLike<number>[],
    model: typeof model === 'string' && model !== '' ? model : undefined,
    tokens: tokensOf(usage),
  };
}

/** An answer of OpenAI's shape. */
export function createAnswer(embeddings: (number[] | string)[], model: string, tokens: number): EmbeddingsAnswer {
  return {
    object: 'list',
    data: embeddings.map((embedding, index) => ({ object: 'embedding', index, embedding })),
    model,
    usage: { prompt_tokens: tokens, total_tokens: tokens },
  };
}

function refused(what: string): EmbedError {
  return new EmbedError(`the upstream answered ${what}`, []);
}

/** Undefined where the text is no base64 of float32s. */
function fromBase64(text: string): Float32Array | undefined {
  const bytes = Buffer.from(text, 'base64');
  // What is no base64 is left out without a word, and then some bytes are missing.
  const expected = Math.floor((text.replace(/=+$/, '').length * 3) / 4);
  if (bytes.length !== expected || bytes.length % 4 !== 0) return undefined;
  const vector = new Float32Array(bytes.length / 4);
  new Uint8Array(vector.buffer).set(bytes);
  return vector;
}

function tokensOf(usage: unknown): number | undefined {
  const { prompt_tokens, total_tokens } = (usage ?? {}) as Record<string, unknown>;
  const tokens = prompt_tokens ?? total_tokens;
  return typeof tokens === 'number' ? tokens : undefined;
}
