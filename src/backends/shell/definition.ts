import * as v from 'valibot';
import { InvalidOptionError } from '../../errors.js';
import { checkOptions, ttlSchema } from '../../options.js';
import type { BackendEntry, BackendLimits } from '../backend.js';
import { EXPIRY_BYTES } from './expiry.js';
import type { BackendDefinition, RawStore } from './raw-store.js';

const countSchema = v.pipe(v.number('a whole number'), v.safeInteger('a whole number'), v.minValue(1, 'at least 1'));
const nameSchema = v.pipe(v.string('a name'), v.minLength(1, 'a name'));
const limitsSchema = v.strictObject({ keyBytes: v.optional(countSchema), valueBytes: v.optional(countSchema) });
const flagSchema = v.boolean('true or false');

const schema = v.strictObject({
  name: nameSchema,
  storeName: v.optional(nameSchema),
  limits: v.optional(limitsSchema),
  lockLimits: v.optional(limitsSchema),
  ttl: v.optional(ttlSchema),
  expiry: v.optional(v.picklist(['store', 'shell'], "'store' or 'shell'"), 'store'),
  keysPerRead: v.optional(countSchema),
  entriesPerWrite: v.optional(countSchema),
  bytesPerWrite: v.optional(countSchema),
  bytesOf: v.optional(v.custom<(entry: BackendEntry) => number>(isFunction, 'a function')),
  keysPerDelete: v.optional(countSchema),
  concurrency: v.optional(countSchema, 4),
  requestTimeout: v.optional(ttlSchema),
  ordered: v.optional(flagSchema, true),
  takesDuplicates: v.optional(flagSchema, false),
  reasonOf: v.optional(v.custom<(error: unknown) => string>(isFunction, 'a function')),
});

const METHODS = ['getMany', 'setMany', 'deleteMany'] as const;

/** A checked definition, with its defaults. What has no limit has an infinite one. */
export interface CheckedDefinition {
  readonly name: string;
  readonly storeName: string;
  /** Those of the backend: what the shell adds to a value is taken off. */
  readonly limits: BackendLimits;
  readonly lockLimits: BackendLimits;
  /** In milliseconds. */
  readonly ttl: number | undefined;
  /** Whether the shell keeps the ends of entries. */
  readonly keepsExpiry: boolean;
  readonly keysPerRead: number;
  readonly entriesPerWrite: number;
  readonly bytesPerWrite: number;
  readonly keysPerDelete: number;
  readonly bytesOf: (entry: BackendEntry) => number;
  readonly concurrency: number;
  readonly timeoutMs: number | undefined;
  readonly ordered: boolean;
  /** Whether the store takes batches just as callers hand them over. */
  readonly asAsked: boolean;
  readonly reasonOf: ((error: unknown) => string) | undefined;
}

/** Throws `InvalidOptionError` for what is no store, and for a definition that does not fit. */
export function checkDefinition(store: RawStore, definition: BackendDefinition): CheckedDefinition {
  const {
    expiry,
    requestTimeout,
    takesDuplicates,
    limits: given = {},
    ...rest
  } = checkOptions(schema, definition, 'definition');
  checkStore(store, expiry === 'shell');
  const keepsExpiry = expiry === 'shell';
  const limits = known(given, keepsExpiry ? EXPIRY_BYTES : 0);
  const { keysPerRead, keysPerDelete, entriesPerWrite, bytesPerWrite } = rest;
  const bounds = [keysPerRead, keysPerDelete, entriesPerWrite, bytesPerWrite, limits.keyBytes, limits.valueBytes];
  const any = Number.POSITIVE_INFINITY;
  return {
    ...rest,
    storeName: rest.storeName ?? rest.name,
    limits,
    lockLimits: rest.lockLimits ? known(rest.lockLimits, 0) : limits,
    ttl: rest.ttl,
    keepsExpiry,
    asAsked: takesDuplicates && !keepsExpiry && bounds.every((bound) => bound === undefined),
    keysPerRead: keysPerRead ?? any,
    entriesPerWrite: entriesPerWrite ?? any,
    bytesPerWrite: bytesPerWrite ?? any,
    keysPerDelete: keysPerDelete ?? any,
    bytesOf: rest.bytesOf ?? (({ key, value }) => 3 * key.length + value.length),
    timeoutMs: requestTimeout,
    reasonOf: rest.reasonOf,
  };
}

function checkStore(store: RawStore, keepsExpiry: boolean): void {
  const missing = METHODS.find((method) => !isFunction(store?.[method]));
  if (missing)
    throw new InvalidOptionError('store', 'a RawStore, with getMany, setMany and deleteMany', `no ${missing}`);
  if (!isFunction(store.list) && (keepsExpiry || !isFunction(store.clear))) {
    const expected = keepsExpiry ? "a store with list, which expiry: 'shell' needs" : 'a store with clear or list';
    throw new InvalidOptionError('store', expected, 'one without');
  }
}

function known(
  { keyBytes, valueBytes }: { keyBytes?: number | undefined; valueBytes?: number | undefined },
  taken: number,
) {
  return {
    ...(keyBytes !== undefined && { keyBytes }),
    ...(valueBytes !== undefined && { valueBytes: Math.max(0, valueBytes - taken) }),
  };
}

function isFunction(value: unknown): boolean {
  return typeof value === 'function';
}
