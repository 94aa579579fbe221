/** 'vecstash/unstorage': a backend over any driver of unstorage. */

import { Buffer } from 'node:buffer';
import * as v from 'valibot';
import type { BackendEntry, BackendLimits } from '../backends/backend.js';
import { DefinedBackend } from '../backends/shell/define-backend.js';
import type { RawPage, RawStore } from '../backends/shell/raw-store.js';
import { BackendError, InvalidOptionError } from '../errors.js';
import { bytesSchema, checkOptions, ttlSchema } from '../options.js';
import { isArrayBuffer, isUint8Array } from '../realms.js';
import type { Ttl } from '../ttl.js';
import { folderOf, keyOf, nameOf } from './unstorage-names.js';

// biome-ignore lint/suspicious/noExplicitAny: as unstorage has it, whatever a driver takes
type Anything = any;

/** What is used of unstorage's `Driver`, and of its `Storage`, which has the same methods. */
export interface UnstorageDriver {
  readonly name?: string | undefined;
  getItem(key: string, options?: Anything): unknown;
  getItems?(items: Anything[], options?: Anything): unknown;
  getItemRaw?(key: string, options?: Anything): unknown;
  setItem?(key: string, value: Anything, options?: Anything): unknown;
  setItemRaw?(key: string, value: Anything, options?: Anything): unknown;
  removeItem?(key: string, options?: Anything): unknown;
  getKeys(base: string, options?: Anything): unknown;
  /** A `Storage` alone has it. */
  getMount?(key: string): { driver: UnstorageDriver };
  getMounts?(base: string, options: { parents: boolean }): { driver: UnstorageDriver }[];
}

export interface UnstorageBackendOptions {
  /**
   * The folder of the storage that is the cache's alone: names of A-Z a-z 0-9 _ -, with `:` between
   * them.
   * @default 'vecstash'
   */
  base?: string | undefined;
  /**
   * How bytes are stored: as they are, or as base64, a third larger, for a driver that does not
   * keep them.
   * @default 'base64' where the driver has no `getItemRaw` and `setItemRaw`, and for `http`, whose
   * `getItemRaw` fails at a miss; else 'raw'. Behind `prefixStorage` it goes by the drivers of all
   * mounts
   */
  encoding?: 'raw' | 'base64' | undefined;
  /** The TTL of entries that bring no own. @default none: they stay */
  ttl?: Ttl | undefined;
  /**
   * How long one call of the driver may take. A list of all keys is one call.
   * @default 10_000 (10 s)
   */
  requestTimeout?: Ttl | undefined;
  /** How many calls of the driver one batch has under way at once. @default 16 */
  concurrency?: number | undefined;
  /**
   * What the driver's store cannot hold. A key's characters take up to three each in its name, of
   * which 300 bytes make at most 950.
   * @default { keyBytes: 300 }
   */
  limits?: BackendLimits | undefined;
}

const BASE = /^[\w-]+(?::[\w-]+)*$/;

const optionsSchema = v.strictObject({
  base: v.optional(v.pipe(v.string(), v.regex(BASE, 'names of A-Z a-z 0-9 _ -, with : between them')), 'vecstash'),
  encoding: v.optional(v.picklist(['raw', 'base64'], "'raw' or 'base64'")),
  ttl: v.optional(ttlSchema),
  requestTimeout: v.optional(ttlSchema, 10_000),
  concurrency: v.optional(v.pipe(v.number(), v.safeInteger('a whole number'), v.minValue(1, 'at least 1')), 16),
  limits: v.optional(v.strictObject({ keyBytes: v.optional(bytesSchema), valueBytes: v.optional(bytesSchema) }), {}),
});

/** Of names, where a driver reads many in one call. */
const NAMES_PER_READ = 128;

/** What drivers that list a single page list at most (`s3`, `cloudflare-r2-binding`). */
const NAMES_PER_LIST = 1000;

/** 68 years: some drivers take the seconds as an int32. */
const MAX_TTL_SECONDS = 2 ** 31 - 1;

/** How unstorage itself marks bytes that a driver stores as text. */
const BASE64 = 'base64:';

/** Stands for what is no bytes of anybody's: it has no end, and is no record. */
const UNSOUND = Uint8Array.of(0x7f, 0xf0, 0, 0, 0, 0, 0, 0, 0);

/**
 * Keeps records in any storage of unstorage: S3, R2, files, Netlify Blobs, Azure, MongoDB. Takes a
 * `Storage` or a driver, which stays open when the backend is closed. Each record is an item; its
 * end lies in front of it, since few drivers know TTLs, and is passed on as `ttl` in seconds. A
 * removal reads the records, to count them.
 *
 * There are neither leases nor locks: calls of one backend take effect in their order, but what
 * another process computed before a removal may be stored after it.
 *
 * Throws `InvalidOptionError` for options it does not take, and for what is no storage or cannot be
 * written.
 */
export class UnstorageBackend extends DefinedBackend {
  declare readonly limits: BackendLimits;

  constructor(storage: UnstorageDriver, options: UnstorageBackendOptions = {}) {
    const checked = checkOptions(optionsSchema, options, 'UnstorageBackend options');
    const store = new UnstorageStore(checkStorage(storage), checked);
    super(store, {
      name: 'UnstorageBackend',
      storeName: 'unstorage',
      limits: { keyBytes: 300, ...checked.limits },
      ttl: checked.ttl,
      expiry: 'shell',
      keysPerRead: store.namesPerRead,
      entriesPerWrite: 1,
      keysPerDelete: 1,
      concurrency: checked.concurrency,
      requestTimeout: checked.requestTimeout,
    });
  }
}

const METHODS = ['getItem', 'getKeys', 'removeItem', 'setItem'] as const;

function checkStorage(storage: UnstorageDriver): UnstorageDriver {
  const missing = METHODS.find((method) => typeof storage?.[method] !== 'function');
  if (missing === undefined) return storage;
  throw new InvalidOptionError('storage', 'a Storage of unstorage, or a driver that can be written', `no ${missing}`);
}

/** Drivers whose lists need care, so that they must be known. */
const LIST_BADLY = new Set(['s3', 'vercel-runtime-cache']);

/**
 * The driver of a folder. What `prefixStorage` makes (Nitro's `useStorage('name')` too) asks for the
 * mount of a folder without its prefix: any of the mounts may be the one then.
 */
function driversOf(storage: UnstorageDriver, base: string): UnstorageDriver[] {
  if (storage.getMount === undefined) return [storage];
  // A method of a Storage has its own name, also where it is minified; prefixStorage puts functions
  // without a name in their places.
  const isPrefixed = storage.getItem.name !== 'getItem';
  if (!isPrefixed || storage.getMounts === undefined) return [storage.getMount(base).driver];
  const drivers = storage.getMounts('', { parents: true }).map(({ driver }) => driver);
  const name = drivers.find(({ name = '' }) => LIST_BADLY.has(name))?.name;
  if (name === undefined) return drivers;
  const problem = `its prefix hides whether it is the driver ${name}`;
  throw new InvalidOptionError('storage', `${problem}: give the Storage itself, and base: 'PREFIX:vecstash'`);
}

class UnstorageStore implements RawStore {
  readonly namesPerRead: number;
  readonly #storage: UnstorageDriver;
  readonly #base: string;
  readonly #isText: boolean;
  readonly #driverName: string | undefined;

  constructor(storage: UnstorageDriver, { base, encoding }: { base: string; encoding?: 'raw' | 'base64' | undefined }) {
    const drivers = driversOf(storage, base);
    const keepBytes = drivers.every(
      ({ name, getItemRaw, setItemRaw }) => getItemRaw !== undefined && setItemRaw !== undefined && name !== 'http',
    );
    this.#storage = storage;
    this.#base = base;
    this.#driverName = drivers.length === 1 ? drivers[0]?.name : undefined;
    this.#isText = (encoding ?? (keepBytes ? 'raw' : 'base64')) === 'base64';
    const readMany = drivers.every(({ getItems }) => getItems !== undefined);
    this.namesPerRead = this.#isText && readMany ? NAMES_PER_READ : 1;
  }

  async getMany(keys: readonly string[]): Promise<(Uint8Array | undefined)[]> {
    const names = keys.map((key) => nameOf(this.#base, key));
    if (this.namesPerRead === 1) return Promise.all(names.map(async (name) => bytesOf(await this.#read(name))));
    const items = (await this.#storage.getItems?.(names.map((key) => ({ key, options: {} })))) as Item[];
    const found = new Map(items.map(({ key, value }) => [plain(key), value]));
    return names.map((name) => bytesOf(found.get(name)));
  }

  async setMany(entries: readonly BackendEntry[]): Promise<void> {
    for (const { key, value, ttlMs } of entries) {
      const name = nameOf(this.#base, key);
      const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
      // Drivers count whole seconds from the last full one: one more is never too early.
      const options = ttlMs === undefined ? {} : { ttl: Math.min(Math.ceil(ttlMs / 1000) + 1, MAX_TTL_SECONDS) };
      if (this.#isText) await this.#storage.setItem?.(name, BASE64 + bytes.toString('base64'), options);
      else await this.#storage.setItemRaw?.(name, bytes, options);
    }
  }

  async deleteMany(keys: readonly string[]): Promise<void> {
    for (const key of keys) await this.#storage.removeItem?.(nameOf(this.#base, key), {});
  }

  /**
   * Where a list may have been cut it is asked for again after its keys are gone, until it shows
   * none.
   */
  async list(prefix: string, cursor: string | undefined): Promise<RawPage> {
    if (this.#driverName === 'vercel-runtime-cache') throw new BackendError('unstorage: this driver lists no keys');
    const folder = `${folderOf(this.#base, prefix)}:`;
    // It lists the first keys of the bucket, whatever they start with.
    const isWhole = this.#driverName === 's3';
    const names = (await this.#storage.getKeys(isWhole ? '' : folder, {})) as string[];
    const keys = [...new Set(names)].flatMap((name) => keyOf(this.#base, plain(name)) ?? []);
    const page = keys.filter((key) => key.startsWith(prefix));
    if (names.length === 0 || names.length % NAMES_PER_LIST > 0) return { keys: page };
    if (page.length > 0) return { keys: page, cursor: page[0] === cursor ? undefined : page[0] };
    if (!isWhole) return { keys: page };
    throw new BackendError('unstorage: the driver s3 lists 1000 keys, and others stand first. Use a bucket for each');
  }

  #read(name: string): unknown {
    return this.#isText ? this.#storage.getItem(name, {}) : this.#storage.getItemRaw?.(name, {});
  }
}

interface Item {
  key: string;
  value: unknown;
}

/** A driver may have `/` between folders, and one in front. */
function plain(name: string): string {
  return name.replace(/[/\\]/g, ':').replace(/^:/, '');
}

/** The bytes in what a driver returns; undefined where there are none. */
function bytesOf(value: unknown): Uint8Array | undefined {
  if (value === undefined || value === null) return undefined;
  if (isUint8Array(value)) return value;
  if (isArrayBuffer(value)) return new Uint8Array(value);
  if (typeof value !== 'string' || !value.startsWith(BASE64)) return UNSOUND;
  return Buffer.from(value.slice(BASE64.length), 'base64');
}
