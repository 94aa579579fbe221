import { isMainThread } from 'node:worker_threads';
import requireOptional from '#require';
import type { Open, SqliteDatabase, SqliteStatement } from './database.js';

type Options = { readonly: boolean; nativeBinding?: object };
type DatabaseClass = new (path: string, options?: Options) => SqliteDatabase;

/** The package's native part. */
interface Addon {
  setErrorConstructor(errorClass: unknown): void;
  /** Whether it has a constructor of errors already. */
  isInitialized?: boolean;
}

/**
 * Loads better-sqlite3. Throws where it is not installed, or where its native part was not built.
 */
export function loadBetterSqlite3(): Open {
  const Database = requireOptional('better-sqlite3') as DatabaseClass;
  // The package loads its native part only now.
  new Database(':memory:').close();
  const addon = isMainThread ? undefined : ownAddon();
  if (!addon) return (path, { isReadOnly = false }) => new Database(path, { readonly: isReadOnly });
  return (path, { isReadOnly = false }) => {
    const options = { readonly: isReadOnly, nativeBinding: addon };
    return new SafeDatabase(typed(() => new Database(path, options)));
  };
}

/**
 * A native part for our databases in this worker alone. better-sqlite3 calls a JavaScript
 * constructor for each error of SQLite's, and where the worker is terminated during that call, V8
 * ends the whole process (SIGABRT). A busy file makes many errors. So ours makes arrays, by a
 * constructor in which nothing is interrupted, and those become errors here. Undefined where the
 * native part cannot be found: then errors are made as ever.
 */
function ownAddon(): Addon | undefined {
  try {
    const { _cache: modules } = requireOptional('node:module') as { _cache: Record<string, unknown> };
    const path = Object.keys(modules).find((name) => /[\\/]better_sqlite3\.node$/.test(name));
    if (path === undefined) return undefined;
    const loaded = { exports: {} as Addon };
    process.dlopen(loaded, path);
    loaded.exports.setErrorConstructor(Array);
    loaded.exports.isInitialized = true;
    return loaded.exports;
  } catch {
    return undefined;
  }
}

/** Runs a call of a native part that throws arrays, and throws errors. */
function typed<T>(call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    if (!Array.isArray(thrown)) throw thrown;
    const [message, code] = thrown as [string, string];
    throw Object.assign(new Error(message), { name: 'SqliteError', code });
  }
}

class SafeDatabase implements SqliteDatabase {
  readonly #database: SqliteDatabase;

  constructor(database: SqliteDatabase) {
    this.#database = database;
  }

  exec(sql: string): unknown {
    return typed(() => this.#database.exec(sql));
  }

  prepare(sql: string): SqliteStatement {
    const statement = typed(() => this.#database.prepare(sql));
    return {
      run: (...values) => typed(() => statement.run(...values)),
      get: (...values) => typed(() => statement.get(...values)),
      all: (...values) => typed(() => statement.all(...values)),
    };
  }

  close(): void {
    typed(() => this.#database.close());
  }
}
