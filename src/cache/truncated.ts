import { EmbedError, InvalidOptionError } from '../errors.js';
import { checkOptions } from '../options.js';
import type { Form } from './answers.js';
import { BatchEmbeddings, type EmbedAsOptions, type Embeddings } from './embeddings.js';
import { EmbeddingsNamespace } from './embeddings-namespace.js';
import { copiesOf } from './lookup/vector-copies.js';
import type { NamespaceContext } from './namespace.js';
import { type EmbeddingsOptions, embeddingsSchema } from './options.js';

/** Opens a namespace: with `truncateFrom` that of the full vectors, whose beginnings it gives. */
export function openEmbeddings<Input>(context: NamespaceContext, given: EmbeddingsOptions<Input>): Embeddings<Input> {
  if (given?.truncateFrom === undefined) return new EmbeddingsNamespace(context, given);
  const { dimensions, truncateFrom = 0 } = checkOptions(embeddingsSchema, given, 'options');
  if (dimensions === undefined || dimensions >= truncateFrom) {
    throw new InvalidOptionError('dimensions', `a number below truncateFrom (${truncateFrom})`, String(dimensions));
  }
  const full = { ...given, dimensions: truncateFrom, truncateFrom: undefined };
  return new TruncatedEmbeddings(new EmbeddingsNamespace(context, full), dimensions);
}

/**
 * The first numbers of the vectors of another namespace, scaled to length 1. It has no entries of
 * its own: what is stored are the full vectors. One whose first numbers are all zero has no
 * direction: it is a miss here, and an `EmbedError` of `embed`.
 */
class TruncatedEmbeddings<Input> extends BatchEmbeddings<Input> {
  readonly dimensions: number;
  readonly #full: BatchEmbeddings<Input>;

  constructor(full: BatchEmbeddings<Input>, dimensions: number) {
    super();
    this.#full = full;
    this.dimensions = dimensions;
  }

  async embedAs<T>(inputs: readonly Input[], options: EmbedAsOptions, form: Form<T>): Promise<T[]> {
    const truncated = { keepsVectors: false, of: (whole: Float32Array[]) => this.#truncate(whole) };
    const vectors = await this.#full.embedAs(inputs, options, truncated);
    const failed = vectors.flatMap((vector, i) => (vector === undefined ? [i] : []));
    if (failed.length > 0) {
      const problem = `nothing but zeros in the first ${this.dimensions} dimensions: it cannot be truncated`;
      throw new EmbedError(`the model returned a vector with ${problem}`, failed);
    }
    return form.of(vectors as Float32Array[]);
  }

  async getMany(inputs: readonly Input[]): Promise<(Float32Array | undefined)[]> {
    return this.#truncate(await this.#full.getMany(inputs));
  }

  async getMatrix(inputs: readonly Input[]): Promise<{ data: Float32Array; found: Uint8Array }> {
    const { dimensions } = this;
    const { data, found } = await this.#full.getMatrix(inputs);
    const width = data.length / found.length;
    const own = new Float32Array(found.length * dimensions);
    for (let i = 0; i < found.length; i++) {
      const row = own.subarray(i * dimensions, (i + 1) * dimensions);
      row.set(data.subarray(i * width, i * width + dimensions));
      found[i] = Number(scaleToUnit(row));
    }
    return { data: own, found };
  }

  setMany(entries: readonly (readonly [Input, ArrayLike<number>])[]): Promise<void> {
    return this.#full.setMany(entries);
  }

  deleteMany(inputs: readonly Input[]): Promise<number> {
    return this.#full.deleteMany(inputs);
  }

  clear(): Promise<number> {
    return this.#full.clear();
  }

  keyOf(input: Input): string {
    return this.#full.keyOf(input);
  }

  /** Copies, so that a short vector keeps no long one alive. */
  #truncate(vectors: readonly (Float32Array | undefined)[]): (Float32Array | undefined)[] {
    const known = vectors.filter((vector) => vector !== undefined);
    const copies = copiesOf(known.map((vector) => vector.subarray(0, this.dimensions))).values();
    return vectors.map((vector) => {
      if (vector === undefined) return undefined;
      const short = copies.next().value as Float32Array;
      return scaleToUnit(short) ? short : undefined;
    });
  }
}

/**
 * Divides a vector by its length: a sum of float64s, and one rounding to float32. Tells whether it
 * has a length; one of zeros stays what it is.
 */
function scaleToUnit(vector: Float32Array): boolean {
  let sum = 0;
  for (let i = 0; i < vector.length; i++) sum += (vector[i] as number) ** 2;
  if (sum === 0) return false;
  const length = Math.sqrt(sum);
  for (let i = 0; i < vector.length; i++) vector[i] = (vector[i] as number) / length;
  return true;
}
