import loadEmbeddings from '#optional/langchain-embeddings';

/** What the constructor of LangChain's `Embeddings` takes. */
export interface BaseOptions {
  /** How many calls of the given class may be under way at once. */
  maxConcurrency?: number | undefined;
  maxRetries?: number | undefined;
  // biome-ignore lint/suspicious/noExplicitAny: as LangChain has it
  onFailedAttempt?: ((error: any) => any) | undefined;
}

type BaseClass = new (options: BaseOptions) => object;

/** By the class that extends it. */
const bases = new WeakMap<object, { base: BaseClass; isUsers: boolean }>();

/**
 * Makes `derived` extend LangChain's `Embeddings`, and returns that. A package has a class for ESM
 * and one for CommonJS, and there may be several versions: the one that `embeddings` is made of is
 * the user's, so that nothing is loaded, and the first such class stays: one can extend only one.
 * Where it is made of none, the class that is installed; undefined where there is none, since then
 * nobody can have it.
 */
export function baseClassOf(derived: { prototype: object }, embeddings: object): BaseClass | undefined {
  const known = bases.get(derived);
  if (known?.isUsers) return known.base;
  const users = rootClassOf(embeddings);
  const base = users ?? known?.base ?? load();
  if (base === undefined || base === known?.base) return base;
  Object.setPrototypeOf(derived, base);
  Object.setPrototypeOf(derived.prototype, base.prototype);
  bases.set(derived, { base, isUsers: users !== undefined });
  return base;
}

/** The class at the root of an object that LangChain's `Embeddings` made. */
function rootClassOf(embeddings: object): BaseClass | undefined {
  const { caller } = embeddings as { caller?: { callWithOptions?: unknown } };
  if (typeof caller?.callWithOptions !== 'function') return undefined;
  let root = embeddings;
  let depth = 0;
  for (let above = Object.getPrototypeOf(root); above && Object.getPrototypeOf(above); depth++) {
    root = above;
    above = Object.getPrototypeOf(root);
  }
  // Its own are abstract.
  const isAbstract = depth > 1 && !('embedDocuments' in root);
  return isAbstract ? (root.constructor as BaseClass) : undefined;
}

function load(): BaseClass | undefined {
  try {
    return (loadEmbeddings() as { Embeddings: BaseClass }).Embeddings;
  } catch {
    return undefined;
  }
}
