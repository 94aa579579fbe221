import type { BackendEntry } from '../backend.js';
import { LOCK_GRACE } from '../shell/locks.js';
import { type Item, keyAttributes, putRequest, TTL } from './items.js';

/**
 * The lock of a key lies in the record's own item: its holder (String) and its end (Number,
 * milliseconds since the epoch). So one conditional put checks and stores, and any other put or
 * removal ends it. Where there is no record the item has an end that is long over, so that nobody
 * takes it for one, and a TTL that lets it go away.
 */
const NO_RECORD = { N: '0' };

/** What is read of a lock. */
export const LOCK = 'k, w';

const number = (value: number) => ({ N: String(value) });

const ttlAfter = (end: number) => number(Math.ceil((end + LOCK_GRACE) / 1000));

/** Whether the lock may be taken, and would not end sooner than it does. */
const canTake = (force: boolean) =>
  force
    ? '(attribute_not_exists(w) OR w <> :holder OR u < :end)'
    : '(attribute_not_exists(w) OR u <= :now OR (w = :holder AND u < :end))';

/**
 * Locks a key that has no record, or none any more; DynamoDB refuses where it has one, or where the
 * lock is not to be had.
 */
export function locking(key: string, holder: string, ttlMs: number, force: boolean) {
  const now = Date.now();
  const end = now + ttlMs;
  return {
    Key: keyAttributes(key),
    UpdateExpression: `SET w = :holder, u = :end, e = :none, ${TTL} = :ttl REMOVE v, h`,
    ConditionExpression: `(attribute_not_exists(k) OR e <= :now) AND ${canTake(force)}`,
    ExpressionAttributeValues: {
      ':holder': { S: holder },
      ':end': number(end),
      ':now': number(now),
      ':none': NO_RECORD,
      ':ttl': ttlAfter(end),
    },
  };
}

/** Locks a key beside its record. */
export function lockingRecord(key: string, holder: string, ttlMs: number, force: boolean) {
  const now = Date.now();
  return {
    Key: keyAttributes(key),
    UpdateExpression: 'SET w = :holder, u = :end',
    ConditionExpression: `attribute_exists(v) AND (attribute_not_exists(e) OR e > :now) AND ${canTake(force)}`,
    ExpressionAttributeValues: { ':holder': { S: holder }, ':end': number(now + ttlMs), ':now': number(now) },
  };
}

/** Lengthens a lock that has no record beside it. */
export function renewing(key: string, holder: string, ttlMs: number) {
  const end = Date.now() + ttlMs;
  return {
    Key: keyAttributes(key),
    UpdateExpression: `SET u = :end, ${TTL} = :ttl`,
    ConditionExpression: 'w = :holder AND u < :end AND e = :none',
    ExpressionAttributeValues: {
      ':holder': { S: holder },
      ':end': number(end),
      ':none': NO_RECORD,
      ':ttl': ttlAfter(end),
    },
  };
}

/** Lengthens any lock. */
export function renewingBesideRecord(key: string, holder: string, ttlMs: number) {
  return {
    Key: keyAttributes(key),
    UpdateExpression: 'SET u = :end',
    ConditionExpression: 'w = :holder AND u < :end',
    ExpressionAttributeValues: { ':holder': { S: holder }, ':end': number(Date.now() + ttlMs) },
  };
}

/** Stores a record whose lock the holder has, and ends that. */
export function storing(entry: BackendEntry, holder: string) {
  return {
    Item: putRequest(entry).PutRequest?.Item as Item,
    ConditionExpression: 'w = :holder',
    ExpressionAttributeValues: { ':holder': { S: holder } },
  };
}

/** Removes a lock that has no record beside it. */
export function unlocking(key: string, holder: string) {
  return {
    Key: keyAttributes(key),
    ConditionExpression: 'w = :holder AND e = :none',
    ExpressionAttributeValues: { ':holder': { S: holder }, ':none': NO_RECORD },
  };
}

/** Takes a lock from its record. */
export function unlockingRecord(key: string, holder: string) {
  return {
    Key: keyAttributes(key),
    UpdateExpression: 'REMOVE w, u',
    ConditionExpression: 'w = :holder',
    ExpressionAttributeValues: { ':holder': { S: holder } },
  };
}

/** Whether an item has a lock of this holder, be its time over or not. */
export function isLockedBy(item: Item, holder: string): boolean {
  return item.w?.S === holder;
}
