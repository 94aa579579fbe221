import { describeValue, kindOf } from '../../describe.js';
import { InvalidInputError } from '../../errors.js';
import { TextEncoder } from '../../runtime.js';
import { TTL_EXPECTED, type Ttl, ttlMilliseconds } from '../../ttl.js';
import { canonicalJson } from '../adapted.js';
import { jsonCopy } from '../json-copy.js';
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

/** What `providerOptions.vecstash` takes. */
export interface OwnOptions {
  refresh?: boolean | undefined;
  bypass?: boolean | undefined;
  ttl?: Ttl | undefined;
}

/** The options of one call, by what becomes of them: copies, which the caller cannot change. */
export interface SortedOptions {
  /** What tells its vectors from others of the model, for the key; undefined where nothing does. */
  key: string | undefined;
  /** What holds something for each value. */
  lists: List[];
  /** What the model is given. */
  forModel: ProviderOptions | undefined;
  /** What the cache is told: those of the provider `vecstash`. */
  own: OwnOptions;
}

/**
 * Throws what the model does where a list has not one item for each value, and `InvalidInputError`
 * for options that JSON cannot hold, or that the cache does not take.
 */
export async function sortOptions(model: EmbeddingModel, params: EmbedParams): Promise<SortedOptions> {
  const given = jsonCopy(params.providerOptions, 'providerOptions');
  const dimensions = jsonCopy(params.dimensions, 'dimensions');
  const { vecstash, ...others } = given ?? {};
  const own = checkOwn(vecstash);
  const forModel = given && others;
  const lists = await listsOf(model, forModel, params.values);
  const named = Object.entries(others).map(([provider, options]) => {
    const left = Object.entries(options ?? {}).filter(
      // Who asks changes no vector.
      ([name, value]) => value !== undefined && name !== 'user' && !lists.some((list) => isOf(list, provider, name)),
    );
    return [provider, Object.fromEntries(left)] as const;
  });
  const telling = named.filter(([, options]) => Object.keys(options).length > 0);
  const isTold = telling.length > 0 || dimensions !== undefined;
  const key = isTold ? canonicalJson([Object.fromEntries(telling), dimensions]) : undefined;
  return { key, lists, forModel, own };
}

/** A name that is spelt wrong would be a call that does what nobody asked for. */
function checkOwn(own: unknown = {}): OwnOptions {
  const at = 'providerOptions.vecstash';
  if (typeof own !== 'object' || own === null || Array.isArray(own))
    throw new InvalidInputError(at, 'an object', Array.isArray(own) ? 'an array' : kindOf(own));
  for (const [name, value] of Object.entries(own)) {
    const field = `${at}.${name}`;
    if (name === 'refresh' || name === 'bypass') {
      if (typeof value !== 'boolean') throw new InvalidInputError(field, 'true or false', describeValue(value, name));
    } else if (name === 'ttl') {
      if (ttlMilliseconds(value) === undefined)
        throw new InvalidInputError(field, TTL_EXPECTED, describeValue(value, name));
    } else throw new InvalidInputError(field, 'one of refresh, bypass, ttl', 'an unknown option name');
  }
  return own;
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
