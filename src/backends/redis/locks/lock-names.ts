import { escapeGlob } from '../../glob.js';

const LOCK = 'lock:';

/** Finds a short text whose slot is that of `key`; undefined where there is none. */
type TagOf = (key: string) => string | undefined;

/**
 * Names of the Redis keys that hold locks. The lock of a key lies in the key's own slot of a
 * cluster, by a hash tag, and begins with what the key begins with up to its first colon, so that
 * access rules such as `~vecstash:*` cover it:
 *
 * - `vecstash:lock:{vecstash:v1:docs:1}` for most keys;
 * - `vecstash:lock:{tag}:vecstash:{tag}:1` for a key with a hash tag of its own;
 * - `{app}:lock:{app}:v1` for a key whose tag is in the part before the colon.
 *
 * All names are without the client's keyPrefix, which the client puts before them, and keys
 * likewise.
 */
export class LockNames {
  readonly #keyPrefix: string;
  readonly #tagOf: TagOf;

  /**
   * @param tagOf where slots matter: what to write between braces for a key that no hash tag can
   *   hold
   */
  constructor(keyPrefix: string, tagOf: TagOf = () => '') {
    this.#keyPrefix = keyPrefix;
    this.#tagOf = tagOf;
  }

  /**
   * The name of a key's lock; undefined where it can have none in its slot, which only odd braces
   * do.
   */
  of(key: string): string | undefined {
    const name = this.#nameOf(this.#keyPrefix + key);
    return name?.startsWith(this.#keyPrefix) ? name.slice(this.#keyPrefix.length) : undefined;
  }

  /** The names of the locks of keys, of those that can have one. */
  ofAll(keys: readonly string[]): string[] {
    return keys.flatMap((key) => this.of(key) ?? []);
  }

  /**
   * The key whose lock has this name, the name as the server has it; undefined where it is no
   * lock's. The key too is the server's.
   */
  keyOf(name: string): string | undefined {
    for (const length of new Set([this.#headLength(name), this.#keyPrefix.length, 0])) {
      if (!name.startsWith(LOCK, length)) continue;
      const rest = name.slice(length + LOCK.length);
      const candidates = [rest.slice(1, -1), rest.slice(rest.indexOf('}') + 2), rest];
      const found = candidates.find((key) => this.#nameOf(key) === name);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /**
   * The glob pattern of the locks of all keys that begin with `prefix`, and maybe of others; both
   * as the server has them.
   */
  patternFor(prefix: string): string {
    const isHeadKnown = prefix.includes(':') && !prefix.includes('{');
    return isHeadKnown ? `${escapeGlob(prefix.slice(0, this.#headLength(prefix)) + LOCK)}*` : `*${LOCK}*`;
  }

  /** By what the server has for the key. */
  #nameOf(key: string): string | undefined {
    const head = key.slice(0, this.#headLength(key));
    const open = key.indexOf('{');
    const close = key.indexOf('}', open + 1);
    // No brace may be before the tag.
    const own = open === -1 || open >= head.length ? head : this.#keyPrefix.includes('{') ? '' : this.#keyPrefix;
    if (key !== '' && !key.includes('}')) return `${own}${LOCK}{${key}}`;
    if (open === -1 || close <= open + 1) {
      const tag = this.#tagOf(key);
      return tag === undefined ? undefined : `${own}${LOCK}{${tag}}:${key}`;
    }
    if (close < head.length) return head + LOCK + key;
    return `${own}${LOCK}{${key.slice(open + 1, close)}}:${key}`;
  }

  #headLength(key: string): number {
    return Math.max(key.indexOf(':') + 1, this.#keyPrefix.length);
  }
}
