import { TextEncoder } from '../../runtime.js';
import { canonicalJson } from '../adapted.js';
import type { EmbeddingModel, EmbedParams, ProviderOptions } from './types.js';

/** How the AI SDK asks a model for the provider options of a part of the values. */
const TRANSFORMER = Symbol.for('vercel.ai.embeddingModel.providerOptionsTransformer');

interface Transforming {
  [TRANSFORMER]?: (
    range: Pick<EmbedParams, 'providerOptions' | 'values'> & { startIndex: number; endIndex: number },
  ) => ProviderOptions | undefined | PromiseLike<ProviderOptions | undefined>;
}

/** A list with something for each value, as Google's `content`: a provider and the option's name. */
type List = readonly [provider: string, name: string];

/** The options of one call, by what becomes of them. */
export interface SortedOptions {
  /** What tells its vectors from others of the model, for the key; undefined where nothing does. */
  key: string | undefined;
  /** What holds something for each value. */
  lists: List[];
  /** What the model is given. */
  forModel: ProviderOptions | undefined;
  /** What the cache is told: those of the provider `vecstash`. */
  own: Record<string, unknown>;
}

/** Throws what the model does where a list has not one item for each value. */
export async function sortOptions(model: EmbeddingModel, params: EmbedParams): Promise<SortedOptions> {
  const { vecstash: own = {}, ...others } = params.providerOptions ?? {};
  const forModel = params.providerOptions && others;
  const lists = await listsOf(model, forModel, params.values);
  const named = Object.entries(others).map(([provider, options]) => {
    const left = Object.entries(options ?? {}).filter(
      // Who asks changes no vector.
      ([name, value]) => value !== undefined && name !== 'user' && !lists.some((list) => isOf(list, provider, name)),
    );
    return [provider, Object.fromEntries(left)] as const;
  });
  const telling = named.filter(([, options]) => Object.keys(options).length > 0);
  const isTold = telling.length > 0 || params.dimensions !== undefined;
  const key = isTold ? canonicalJson([Object.fromEntries(telling), params.dimensions]) : undefined;
  return { key, lists, forModel, own };
}

/** The items that are a value's own. */
export function itemsOf({ lists, forModel }: SortedOptions, index: number): unknown[] {
  return lists.map(([provider, name]) => (forModel?.[provider]?.[name] as unknown[] | undefined)?.[index]);
}

/** The options for values with these items. */
export function withItems({ lists, forModel }: SortedOptions, items: unknown[][]): ProviderOptions | undefined {
  if (forModel === undefined || lists.length === 0) return forModel;
  const options = { ...forModel };
  lists.forEach(([provider, name], i) => {
    options[provider] = { ...options[provider], [name]: items.map((own) => own[i]) };
  });
  return options;
}

/** What a value with these items is hashed by: the text alone, where there are none. */
export function identityOf(value: string, items: unknown[]): string | Uint8Array {
  return items.every((item) => item == null) ? value : new TextEncoder().encode(canonicalJson([value, items]));
}

async function listsOf(
  model: EmbeddingModel & Transforming,
  providerOptions: ProviderOptions | undefined,
  values: string[],
): Promise<List[]> {
  if (providerOptions === undefined || values.length === 0) return [];
  const first = await model[TRANSFORMER]?.({ providerOptions, values, startIndex: 0, endIndex: 1 });
  if (first === undefined || first === providerOptions) return [];
  return Object.entries(providerOptions).flatMap(([provider, options]) =>
    Object.keys(options ?? {}).flatMap((name) =>
      Array.isArray(options[name]) && first[provider]?.[name] !== options[name] ? [[provider, name] as const] : [],
    ),
  );
}

function isOf([ofProvider, ofName]: List, provider: string, name: string): boolean {
  return ofProvider === provider && ofName === name;
}
