import { engineDigest } from '../codec/engine/select.js';
import { kindOf } from '../describe.js';
import { InvalidInputError } from '../errors.js';
import { createKeyMaker } from '../keys/digest.js';
import type { KeyPrefix } from '../keys/key.js';
import { isUint8Array } from '../realms.js';

declare const brand: unique symbol;

/**
 * A string that only its factory makes: the compiler keeps one kind of key from passing as another.
 */
type Branded<Name extends string> = string & { readonly [brand]: Name };

/** What a text's embedding is known by: `txt:` and a digest of the text. */
export type TextEmbeddingKey = Branded<'TextEmbeddingKey'>;

/** What an image's embedding is known by: `img:` and a digest of its bytes. */
export type ImageEmbeddingKey = Branded<'ImageEmbeddingKey'>;

/** What the results of a user's search are known by. */
export type SearchResultsKey = Branded<'SearchResultsKey'>;

/** What a user's recent assets are known by: `assets:${userId}:recent`. */
export type RecentAssetsKey = Branded<'RecentAssetsKey'>;

let keyMaker: ReturnType<typeof createKeyMaker> | undefined;

/** Made with the first key: it loads the engine. */
function makeKeys(prefix: string, inputs: readonly (string | Uint8Array)[]): string[] {
  keyMaker ??= createKeyMaker(undefined, engineDigest());
  return keyMaker(prefix as KeyPrefix, inputs) as string[];
}

/** Throws `InvalidInputError` for what is no list of strings. */
export function createTextEmbeddingKeys(texts: readonly string[]): TextEmbeddingKey[] {
  checkEach('texts', texts, 'a string', (text) => typeof text === 'string');
  return makeKeys('txt:', texts) as TextEmbeddingKey[];
}

export function createTextEmbeddingKey(text: string): TextEmbeddingKey {
  return createTextEmbeddingKeys([text])[0] as TextEmbeddingKey;
}

/** Throws `InvalidInputError` for what is no list of bytes. */
export function createImageEmbeddingKeys(images: readonly Uint8Array[]): ImageEmbeddingKey[] {
  checkEach('images', images, 'a Uint8Array', (image) => isUint8Array(image));
  return makeKeys('img:', images) as ImageEmbeddingKey[];
}

export function createImageEmbeddingKey(image: Uint8Array): ImageEmbeddingKey {
  return createImageEmbeddingKeys([image])[0] as ImageEmbeddingKey;
}

/** The user's length stands in front, so that no user and query read as another user's. */
export function createSearchResultsKey(userId: string, query: string): SearchResultsKey {
  return `search:${userId.length}:${userId}:${query}` as SearchResultsKey;
}

export function createRecentAssetsKey(userId: string): RecentAssetsKey {
  return `assets:${userId}:recent` as RecentAssetsKey;
}

function checkEach(
  field: string,
  inputs: readonly unknown[],
  expected: string,
  isOne: (input: unknown) => boolean,
): void {
  if (!Array.isArray(inputs)) throw new InvalidInputError(field, 'an array', kindOf(inputs));
  inputs.forEach((input, i) => {
    if (!isOne(input)) throw new InvalidInputError(`${field}[${i}]`, expected, kindOf(input));
  });
}
