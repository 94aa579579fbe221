/**
 * What a cache promises, said without a cache. Everything that happens is one moment in one order. Each version of a key begins
 * with a computation or a `set`; each change of a key is a `set`, `delete` or `clear`, from its call to its answer. Then:
 *
 * - **fresh**: nobody is served a version that is older than a change which was answered before he asked. A `set` is older than a
 *   change that was called after it was answered. A computation is older than a change that was called after it began. Where
 *   reads do not fail it is older than a `set` that was answered after it began as well, unless the key was removed since that
 *   was called. Where reads fail, who joins a computation of his own process cannot know what other processes changed since.
 * - **true**: what is served for a key is a version of that key, bit for bit.
 * - **paid once**: where the store works, no computation of a key begins during or after another one, unless that failed or was
 *   aborted, or a change of the key was under way since it was asked for. Where the store fails this holds within one process and during the
 *   other; values may be computed by several processes.
 * - **anew**: who refreshes or bypasses the cache is given what was computed after he asked. That may be paid for once more, and
 *   may be stored over a `set` that is under way meanwhile.
 * - **found**: where the store works, a key that was set before he asked, and not removed since it was, is no miss.
 * - **kept**: once a cache is closed, each key that it set or computed for somebody is in the store, unless it was removed, and for a
 *   computation changed, since it was asked for. A `set` may give way to another one that was called before it was answered,
 *   and a computation to one that another process was at, which stores or fails.
 */

export interface Rules {
  readsWork: boolean;
  /** Whether the store works and nobody is ever paused. */
  storeWorks: boolean;
}

interface Version {
  readonly key: number;
  readonly process: string;
  readonly from: number;
  /** When the first of those asked who wait for it. */
  readonly askedFrom: number;
  /** For a `set`: when it was answered or first seen. A computation is as old as its beginning. */
  until: number;
  state: 'computing' | 'set' | 'computed' | 'failed';
  /** When a computation failed. */
  failedAt: number;
  readonly signal: AbortSignal | undefined;
  /** Whether the key was being computed anew: it may take the place of a `set` that is under way. */
  readonly isAnew: boolean;
  /** Whether a model asked for it: that waits for other processes for a while only, and is not kept then. */
  readonly isNested: boolean;
  /** Whether somebody was promised that it is kept. */
  isPromised: boolean;
}

/** A call that computes what is missing, while it is under way. */
export interface Asking {
  readonly keys: readonly number[];
  readonly process: string;
  readonly since: number;
}

interface Change {
  readonly isRemoval: boolean;
  /** Whose it is. */
  readonly process: string;
  readonly from: number;
  /** Infinity where it was never answered, or failed, or what it set was lost: then it counts for nothing. */
  until: number;
  /** When the call was answered: a `set` may have been seen before. */
  over: number;
}

const NEVER = Number.POSITIVE_INFINITY;

export class Model {
  readonly violations: string[] = [];
  /** How many versions were served and checked. */
  checked = 0;
  readonly #rules: Rules;
  readonly #versions: Version[] = [];
  readonly #changes = new Map<number, Change[]>();
  readonly #setBy = new Map<number, Change>();
  readonly #asking = new Set<Asking>();
  /** Of each key, until when calls that have it computed anew were under way. */
  readonly #anew = new Map<number, number>();
  readonly #anewUnderWay = new Map<number, number>();
  #moment = 0;

  constructor(rules: Rules) {
    this.#rules = rules;
  }

  now(): number {
    this.#moment += 1;
    return this.#moment;
  }

  /** Somebody asks for keys that are computed if they are missing. Returns what ends that. */
  asking(keys: readonly number[], process: string): () => void {
    const call: Asking = { keys, process, since: this.now() };
    this.#asking.add(call);
    return () => void this.#asking.delete(call);
  }

  /** Somebody has keys computed whatever there is. Returns what ends that. */
  askingAnew(keys: readonly number[]): () => void {
    const count = (by: number) => {
      for (const key of new Set(keys)) this.#anewUnderWay.set(key, (this.#anewUnderWay.get(key) ?? 0) + by);
    };
    count(1);
    return () => {
      count(-1);
      const now = this.now();
      for (const key of keys) this.#anew.set(key, now);
    };
  }

  /** Whether a key was being computed anew since then. */
  #isAnewSince(key: number, since: number): boolean {
    return (this.#anewUnderWay.get(key) ?? 0) > 0 || (this.#anew.get(key) ?? 0) > since;
  }

  /**
   * A model begins to compute a key. Returns the version that it will be.
   * @param isNested whether a model asks
   */
  computing(key: number, process: string, signal?: AbortSignal, { isNested = false } = {}): number {
    const from = this.now();
    let askedFrom = from;
    for (const call of this.#asking) {
      if (call.process === process && call.keys.includes(key)) askedFrom = Math.min(askedFrom, call.since);
    }
    for (const [version, other] of this.#versions.entries()) {
      if (other.key !== key || other.signal?.aborted || isNested) continue;
      if (other.isNested && (other.state === 'computed' || other.process !== process)) continue;
      if (other.state !== 'computing' && !(other.state === 'computed' && this.#rules.storeWorks)) continue;
      if (other.process !== process && !this.#rules.storeWorks) continue;
      if (this.#changesOf(key).some(({ over }) => over > other.askedFrom)) continue;
      if (this.#isAnewSince(key, other.askedFrom)) continue;
      this.violations.push(
        `paid twice: ${process} computes key ${key}, of which ${other.process} has version ${version}`,
      );
    }
    return this.#begin({
      ...{ key, process, from, askedFrom, until: from, signal },
      ...{ state: 'computing', isNested, isPromised: false, isAnew: this.#isAnewSince(key, from) },
    });
  }

  computed(version: number, isMade: boolean): void {
    this.#version(version).state = isMade ? 'computed' : 'failed';
    if (!isMade) this.#version(version).failedAt = this.now();
  }

  /** Whether a process failed to compute a key since then. */
  hasFailed(key: number, process: string, since: number): boolean {
    return this.#versions.some((each) => each.key === key && each.process === process && each.failedAt > since);
  }

  /** A `set` is called. */
  setting(key: number, process: string): number {
    const from = this.now();
    const change: Change = { isRemoval: false, process, from, until: NEVER, over: NEVER };
    this.#changesOf(key).push(change);
    const version = this.#begin({
      ...{ key, process, from, askedFrom: from, until: NEVER },
      ...{ state: 'set', signal: undefined, isNested: false, isPromised: true, isAnew: false },
    });
    this.#setBy.set(version, change);
    return version;
  }

  /** A `set` is answered. @param isStored whether the store has or had it: one that is down costs the entry */
  wasSet(version: number, isStored: boolean): void {
    const now = this.now();
    this.#version(version).until = Math.min(this.#version(version).until, now);
    const change = this.#setBy.get(version) as Change;
    change.over = now;
    if (isStored) change.until = Math.min(change.until, now);
  }

  /** A `set` is refused: the cache is closed. */
  refused(version: number): void {
    this.#version(version).isPromised = false;
  }

  /** A `delete` or `clear` is called. */
  removing(keys: Iterable<number>, process: string): Change[] {
    const from = this.now();
    return Array.from(keys, (key) => {
      const change: Change = { isRemoval: true, process, from, until: NEVER, over: NEVER };
      this.#changesOf(key).push(change);
      return change;
    });
  }

  wasRemoved(changes: Change[]): void {
    const now = this.now();
    for (const change of changes) change.until = change.over = now;
  }

  /**
   * Somebody who asked for `key` at the moment `since` is given what names itself `named`.
   * @param isPromise whether it was computed for him if it was not there
   */
  served(
    key: number,
    named: { key: number; version: number } | undefined,
    since: number,
    who: string,
    isPromise = false,
  ) {
    this.checked += 1;
    const known = named && this.#versions[named.version];
    if (known === undefined || named?.key !== key || known.key !== key) {
      this.violations.push(`wrong: ${who} asked for key ${key} and got ${JSON.stringify(named) ?? 'something else'}`);
      return;
    }
    const isJoined = !this.#rules.readsWork && known.state !== 'set' && who.startsWith(known.process);
    const newer = this.#changesOf(key).find(
      (change) =>
        change.until < since && this.#isOlder(known, change) && !(isJoined && change.process !== known.process),
    );
    if (newer) {
      const what = newer.isRemoval ? 'removal' : 'set';
      this.violations.push(
        `stale: ${who} asked for key ${key} at ${since} and got version ${named?.version} of ${known.process}, begun at ` +
          `${known.from}; a ${what} of ${newer.from} was answered at ${newer.until}`,
      );
    }
    if (isPromise) known.isPromised = true;
    // What was seen has happened.
    const change = this.#setBy.get(named?.version as number);
    if (change === undefined) return;
    const now = this.now();
    known.until = Math.min(known.until, now);
    change.until = Math.min(change.until, now);
  }

  /** Somebody who had `key` computed anew is given what names itself `named`. */
  servedAnew(named: { version: number } | undefined, since: number, who: string): void {
    const known = named && this.#versions[named.version];
    if (known && (known.state === 'set' || known.from < since))
      this.violations.push(
        `old: ${who} had it computed anew at ${since} and got version ${named.version} of ${known.from}`,
      );
  }

  /** Somebody who asked for `key` at the moment `since` was told that there is nothing. */
  missed(key: number, since: number, who: string): void {
    if (!this.#rules.storeWorks) return;
    const set = this.#changesOf(key).find((change) => !change.isRemoval && change.until < since);
    if (set === undefined || this.#isRemovedSince(key, set.from)) return;
    this.violations.push(
      `missing: ${who} asked for key ${key} at ${since}; a set of ${set.from} was answered at ${set.until}`,
    );
  }

  /** A cache is closed, and these keys are in the store. Returns the keys that it has lost. */
  lost(process: string, stored: ReadonlySet<number>): number[] {
    const lost = this.#versions.filter((version) => {
      if (!version.isPromised || version.process !== process || stored.has(version.key)) return false;
      const isChanged = () => this.#changesOf(version.key).some(({ until }) => until > version.askedFrom);
      if (version.state !== 'set') return !version.isNested && !isChanged() && !this.#isOthers(version);
      const givesWay = this.#changesOf(version.key).some(
        ({ isRemoval, process, from, until }) =>
          !isRemoval && process !== version.process && from < version.until && until > version.from,
      );
      return !givesWay && !this.#isRemovedSince(version.key, version.askedFrom);
    });
    return [...new Set(lost.map(({ key }) => key))];
  }

  /** Whether another process had begun to compute the key, and had not failed. */
  #isOthers({ key, process, from }: Version): boolean {
    return this.#versions.some(
      (other) =>
        other.key === key &&
        other.process !== process &&
        other.from < from &&
        (other.state === 'computing' || other.state === 'computed' || other.failedAt > from),
    );
  }

  #isOlder({ key, state, from, until, isAnew }: Version, change: Change): boolean {
    if (until < change.from) return true;
    if (isAnew) return false;
    const isOverwritten = this.#rules.readsWork && state !== 'set' && !change.isRemoval && from < change.until;
    return isOverwritten && !this.#isRemovedSince(key, change.from);
  }

  /** Whether a removal was under way or called since then. */
  #isRemovedSince(key: number, since: number): boolean {
    return this.#changesOf(key).some(({ isRemoval, until }) => isRemoval && until > since);
  }

  #begin(version: Omit<Version, 'failedAt'>): number {
    return this.#versions.push({ ...version, failedAt: 0 }) - 1;
  }

  #version(version: number): Version {
    return this.#versions[version] as Version;
  }

  #changesOf(key: number): Change[] {
    const known = this.#changes.get(key);
    if (known !== undefined) return known;
    const changes: Change[] = [];
    this.#changes.set(key, changes);
    return changes;
  }
}
