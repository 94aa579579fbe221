import type { AttributeValue, WriteRequest } from '@aws-sdk/client-dynamodb';
import { entryTtl } from '../../ttl.js';
import type { BackendEntry } from '../backend.js';

/**
 * What an item is made of. Names cost bytes in every item, so they are short: the key (String, the table's partition key), the value
 * (Binary), the exact end of its life (Number, milliseconds since the epoch) and the same in whole seconds, which is the form
 * that DynamoDB's TTL takes.
 */
export type Item = Record<string, AttributeValue>;

export const KEY = 'k';
export const TTL = 't';

/** What is read of an item that is only counted. */
export const COUNTED = 'k, e';

/** Goes before every key: DynamoDB takes no empty one. */
const MARK = ':';

const LONGEST_KEY = 2048;
const LARGEST_ITEM = 400 * 1024;

/** What an item takes beside its key and its value, at most: four names of a byte, and two numbers of at most 21 bytes. */
const ITEM_OVERHEAD = 128;

/** The value's bound holds for the longest key: a limit that depended on the key could not be told. */
export const LIMITS = {
  keyBytes: LONGEST_KEY - MARK.length,
  valueBytes: LARGEST_ITEM - LONGEST_KEY - ITEM_OVERHEAD,
};

/** How large a buffer a value may be a view of, in bytes, so that keeping the value keeps no whole answer alive. */
const LARGEST_SLACK = 64 * 1024;

export function storedKey(key: string): string {
  return MARK + key;
}

export function keyAttributes(key: string): Item {
  return { [KEY]: { S: storedKey(key) } };
}

/** The key of an item or of a key's attributes, or undefined where it is none of ours. */
export function keyOf(item: Item | undefined): string | undefined {
  const stored = item?.[KEY]?.S;
  return stored?.startsWith(MARK) ? stored.slice(MARK.length) : undefined;
}

/** Throws `InvalidInputError` for an entry whose time is not positive and finite. */
export function putRequest({ key, value, ttlMs }: BackendEntry, defaultTtl: number | undefined): WriteRequest {
  const ttl = entryTtl(ttlMs, defaultTtl);
  const item: Item = { ...keyAttributes(key), v: { B: value } };
  if (ttl !== undefined) {
    const end = Date.now() + ttl;
    item.e = { N: String(end) };
    item[TTL] = { N: String(Math.ceil(end / 1000)) };
  }
  return { PutRequest: { Item: item } };
}

export function deleteRequest(key: string): WriteRequest {
  return { DeleteRequest: { Key: keyAttributes(key) } };
}

export function requestKey({ PutRequest, DeleteRequest }: WriteRequest): string | undefined {
  return keyOf(PutRequest?.Item ?? DeleteRequest?.Key);
}

/** The record of an item, or undefined where its time is over or it is none of ours. */
export function recordOf(item: Item): Uint8Array | undefined {
  const value = item.v?.B;
  if (!(value instanceof Uint8Array) || !isLive(item)) return undefined;
  return value.buffer.byteLength - value.byteLength > LARGEST_SLACK ? value.slice() : value;
}

/** Whether an item's own time is not over: DynamoDB deletes what is expired days later. */
export function isLive({ e }: Item): boolean {
  return e === undefined || Number(e.N) > Date.now();
}
