import type { AttributeValue, WriteRequest } from '@aws-sdk/client-dynamodb';
import { copyOfBytes } from '../../copies.js';
import { isUint8Array } from '../../realms.js';
import type { BackendEntry } from '../backend.js';

/**
 * What an item is made of. Names cost bytes in every item, so they are short: the key (String, the
 * table's partition key), the value (Binary), the exact end of its TTL (Number, milliseconds since
 * the epoch) and the same in whole seconds, which is the form that DynamoDB's TTL takes. A lease
 * has its holder (String) instead of a value. For what a lock has see lock-items.ts.
 */
export type Item = Record<string, AttributeValue>;

export const KEY = 'k';
export const TTL = 't';

/** What is read of an item that is only counted. */
export const COUNTED = 'k, e';

/** What is read of a lease. */
export const LEASE = 'k, e, h';

/** Goes before every key: DynamoDB takes no empty one. */
const MARK = ':';

const MAX_KEY_BYTES = 2048;
const MAX_ITEM_BYTES = 400 * 1024;

/**
 * What an item takes beside its key and its value, at most: six names of a byte, three numbers of
 * at most 21 bytes, and a holder.
 */
const ITEM_OVERHEAD = 128;

/**
 * The value's bound holds for the longest key: a limit that depended on the key could not be told.
 */
export const LIMITS = {
  keyBytes: MAX_KEY_BYTES - MARK.length,
  valueBytes: MAX_ITEM_BYTES - MAX_KEY_BYTES - ITEM_OVERHEAD,
};

/**
 * How large a buffer a value may be a view of, in bytes, so that keeping the value keeps no whole
 * answer alive.
 */
const MAX_SLACK = 64 * 1024;

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

/** An end, in milliseconds since the epoch, in both forms. */
function endAttributes(end: number) {
  return { e: { N: String(end) }, [TTL]: { N: String(Math.ceil(end / 1000)) } };
}

export function putRequest({ key, value, ttlMs }: BackendEntry): WriteRequest {
  const item: Item = { ...keyAttributes(key), v: { B: value } };
  if (ttlMs !== undefined) Object.assign(item, endAttributes(Date.now() + ttlMs));
  return { PutRequest: { Item: item } };
}

export function deleteRequest(key: string): WriteRequest {
  return { DeleteRequest: { Key: keyAttributes(key) } };
}

/**
 * The update that lets a record live for `ttlMs` from now at least; DynamoDB refuses it where there
 * is none, or no sooner end.
 */
export function prolonging(key: string, ttlMs: number) {
  const now = Date.now();
  const { e, t } = endAttributes(now + ttlMs);
  return {
    Key: keyAttributes(key),
    UpdateExpression: 'SET e = :e, t = :t',
    ConditionExpression: 'attribute_exists(v) AND e > :now AND e < :e',
    ExpressionAttributeValues: { ':e': e, ':t': t, ':now': { N: String(now) } },
  };
}

/**
 * What takes a name that nobody has; DynamoDB refuses it where somebody has it, or the holder
 * itself for longer already.
 */
export function taking(name: string, holder: string, ttlMs: number) {
  const now = Date.now();
  const end = endAttributes(now + ttlMs);
  return {
    Item: { ...keyAttributes(name), h: { S: holder }, ...end },
    ConditionExpression: 'attribute_not_exists(k) OR e <= :now OR (h = :holder AND e < :e)',
    ExpressionAttributeValues: { ':holder': { S: holder }, ':e': end.e, ':now': { N: String(now) } },
  };
}

/** What gives a name back; DynamoDB refuses it where the holder does not have it. */
export function givingBack(name: string, holder: string) {
  return {
    Key: keyAttributes(name),
    ConditionExpression: 'h = :holder',
    ExpressionAttributeValues: { ':holder': { S: holder } },
  };
}

/** Whether an item is a lease that the holder still has. */
export function isHeldBy(item: Item, holder: string): boolean {
  return item.h?.S === holder && isLive(item);
}

export function requestKey({ PutRequest, DeleteRequest }: WriteRequest): string | undefined {
  return keyOf(PutRequest?.Item ?? DeleteRequest?.Key);
}

/** The record of an item, or undefined where its time is over or it is none of ours. */
export function recordOf(item: Item): Uint8Array | undefined {
  const value = item.v?.B;
  if (!isUint8Array(value) || !isLive(item)) return undefined;
  return value.buffer.byteLength - value.byteLength > MAX_SLACK ? copyOfBytes(value) : value;
}

/** Whether an item's own time is not over: DynamoDB deletes what is expired days later. */
export function isLive({ e }: Item): boolean {
  return e === undefined || Number(e.N) > Date.now();
}
