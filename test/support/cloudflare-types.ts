/**
 * The part of @cloudflare/workers-types' `KVNamespace` that a binding is held to, its overloads in their order: a user's own
 * namespace has this type, and must be taken as it is.
 */
export interface KVNamespace<Key extends string = string> {
  getWithMetadata<Metadata = unknown>(
    key: Key,
    options?: Partial<Options<undefined>>,
  ): Promise<Found<string, Metadata>>;
  getWithMetadata<Metadata = unknown>(key: Key, type: 'text'): Promise<Found<string, Metadata>>;
  getWithMetadata<Value = unknown, Metadata = unknown>(key: Key, type: 'json'): Promise<Found<Value, Metadata>>;
  getWithMetadata<Metadata = unknown>(key: Key, options: Options<'text'>): Promise<Found<string, Metadata>>;
  getWithMetadata<Value = unknown, Metadata = unknown>(
    key: Key,
    options: Options<'json'>,
  ): Promise<Found<Value, Metadata>>;
  getWithMetadata<Metadata = unknown>(key: Key[], type: 'text'): Promise<Map<string, Found<string, Metadata>>>;
  getWithMetadata<Metadata = unknown>(
    key: Key[],
    options?: Partial<Options<undefined>>,
  ): Promise<Map<string, Found<string, Metadata>>>;
  getWithMetadata<Metadata = unknown>(
    key: Key[],
    options?: Options<'text'>,
  ): Promise<Map<string, Found<string, Metadata>>>;
  getWithMetadata<Value = unknown, Metadata = unknown>(
    key: Key[],
    options?: Options<'json'>,
  ): Promise<Map<string, Found<Value, Metadata>>>;
  put(
    key: Key,
    value: string | ArrayBuffer | ArrayBufferView,
    options?: { expiration?: number; expirationTtl?: number; metadata?: unknown },
  ): Promise<void>;
  delete(key: Key): Promise<void>;
  list<Metadata = unknown>(options?: {
    limit?: number;
    prefix?: string | null;
    cursor?: string | null;
  }): Promise<Page<Metadata, Key>>;
}

interface Options<Type> {
  type: Type;
  cacheTtl?: number;
}

interface Found<Value, Metadata> {
  value: Value | null;
  metadata: Metadata | null;
  cacheStatus: string | null;
}

interface Listed<Metadata, Key> {
  name: Key;
  expiration?: number;
  metadata?: Metadata;
}

type Page<Metadata, Key> =
  | { list_complete: false; keys: Listed<Metadata, Key>[]; cursor: string; cacheStatus: string | null }
  | { list_complete: true; keys: Listed<Metadata, Key>[]; cacheStatus: string | null };
