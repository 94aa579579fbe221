import type { Change, KeyPredicate } from './change.js';

/**
 * How many prefixes are kept apart. Where there are more they count as one change of everything.
 */
const MAX_PREFIXES = 32;

/** The changes of a key, or of all keys under a prefix, by their numbers. */
interface Changes {
  /** How many are under way. */
  open: number;
  /** The last beginning or end of one. */
  changed: number;
  /** The last beginning of a removal. */
  removed: number;
}

/** A change that is under way. */
export interface OpenChange {
  end(): void;
  /** Whether another change of the key is under way, or began or ended since this one began. */
  wasChanged: KeyPredicate;
  /** Whether a removal of the key began since this one began. */
  wasRemoved: KeyPredicate;
}

/** Something that reads, and must not outlive a newer change. */
export interface Observation {
  /** Whether the key was changed since it began, or a change of it was under way then. */
  wasChanged: KeyPredicate;
  /**
   * Whether a change of the key began or ended since it began. One that was under way then, and
   * still is, does not count.
   */
  wasChangedSince: KeyPredicate;
  /** Whether a removal of the key began since. */
  wasRemoved: KeyPredicate;
  /** The same observation, from the same beginning, for something that may end later. */
  share(): Observation;
  end(): void;
}

/**
 * Which keys were changed while something else was under way. A read that overlaps a change may
 * hold what the change replaced, so its answer must not be copied to L1, or stored again: it would
 * outlive the change.
 *
 * An index by key: changes, reads and questions cost as much as they have keys. What nobody under
 * way can ask for is forgotten.
 */
export class WriteTracker {
  /** In the order of `changed`. */
  readonly #keys = new Map<string, Changes>();
  readonly #prefixes = new Map<string, Changes>();
  /**
   * What is under way, in the order in which it began: a ring, since one that never ends must not
   * keep what began after it and has ended.
   */
  readonly #observers: Observer = new Observer(Number.POSITIVE_INFINITY);
  #last = 0;

  /** How many keys are remembered. */
  get size(): number {
    return this.#keys.size;
  }

  /** Runs a change. */
  async write<T>(change: Change, write: () => Promise<T>, isRemoval = false): Promise<T> {
    const { end } = this.begin(change, isRemoval);
    try {
      return await write();
    } finally {
      end();
    }
  }

  /** Begins a change. */
  begin(change: Change, isRemoval = false): OpenChange {
    const start = ++this.#last;
    const leave = this.#enter(start);
    const [map, names] =
      'prefix' in change ? [this.#prefixes, [this.#prefixOf(change.prefix)]] : [this.#keys, new Set(change.keys)];
    for (const name of names) note(map, name, 1, start, isRemoval);
    let isOver = false;
    const own = 'prefix' in change ? 0 : 1;
    return {
      wasChanged: (key) => this.#wasChanged(key, start, own),
      wasRemoved: (key) => this.#wasRemoved(key, start),
      end: () => {
        if (isOver) return;
        isOver = true;
        const at = ++this.#last;
        for (const name of names) note(map, name, -1, at, false);
        leave();
      },
    };
  }

  /** Runs a read, and hands it what tells whether a key was changed, or removed, since it began. */
  async read<T>(read: (wasChanged: KeyPredicate, wasRemoved: KeyPredicate) => Promise<T>): Promise<T> {
    const { wasChanged, wasRemoved, end } = this.observe();
    try {
      return await read(wasChanged, wasRemoved);
    } finally {
      end();
    }
  }

  /** Begins a read. */
  observe(): Observation {
    const start = this.#last;
    const leave = this.#enter(start);
    let users = 0;
    // Whoever shares it is the same observer: observers stay in the order of their beginnings.
    const take = (): Observation => {
      users += 1;
      let isOver = false;
      return {
        wasChanged: (key) => this.#wasChanged(key, start, 0),
        wasChangedSince: (key) => this.#wasChangedSince(key, start),
        wasRemoved: (key) => this.#wasRemoved(key, start),
        share: take,
        end: () => {
          if (isOver) return;
          isOver = true;
          users -= 1;
          if (users === 0) leave();
        },
      };
    };
    return take();
  }

  #wasChanged(key: string, start: number, own: number): boolean {
    const known = this.#keys.get(key);
    if (known !== undefined && (known.open > own || known.changed > start)) return true;
    return this.#somePrefix(key, ({ open, changed }) => open > 0 || changed > start);
  }

  #wasChangedSince(key: string, start: number): boolean {
    const changed = this.#keys.get(key)?.changed ?? 0;
    return changed > start || this.#somePrefix(key, (changes) => changes.changed > start);
  }

  #wasRemoved(key: string, start: number): boolean {
    const known = this.#keys.get(key);
    if (known !== undefined && known.removed > start) return true;
    return this.#somePrefix(key, ({ removed }) => removed > start);
  }

  #somePrefix(key: string, is: (changes: Changes) => boolean): boolean {
    for (const [prefix, changes] of this.#prefixes) if (key.startsWith(prefix) && is(changes)) return true;
    return false;
  }

  /** What a prefix is kept as. */
  #prefixOf(prefix: string): string {
    return this.#prefixes.has(prefix) || this.#prefixes.size < MAX_PREFIXES ? prefix : '';
  }

  #enter(start: number): () => void {
    const observer = new Observer(start);
    observer.enterBefore(this.#observers);
    return () => {
      observer.leave();
      // The ring's own stands for nobody, and is later than all.
      const oldest = this.#observers.next.start;
      forget(this.#keys, oldest);
      forget(this.#prefixes, oldest);
    };
  }
}

/** A place in the ring of what is under way. */
class Observer {
  /** The number of the last change before it began. */
  readonly start: number;
  next: Observer = this;
  #before: Observer = this;

  constructor(start: number) {
    this.start = start;
  }

  enterBefore(other: Observer): void {
    this.#before = other.#before;
    this.next = other;
    this.#before.next = this;
    other.#before = this;
  }

  /** May be called again. */
  leave(): void {
    this.#before.next = this.next;
    this.next.#before = this.#before;
    this.next = this;
    this.#before = this;
  }
}

function note(map: Map<string, Changes>, name: string, opened: number, at: number, isRemoval: boolean): void {
  const changes = map.get(name) ?? { open: 0, changed: 0, removed: 0 };
  changes.open += opened;
  changes.changed = at;
  if (isRemoval) changes.removed = at;
  // To the end: the map stays in the order of `changed`.
  map.delete(name);
  map.set(name, changes);
}

/** Forgets, from the oldest on, what is over and older than whatever is under way. */
function forget(map: Map<string, Changes>, oldest: number): void {
  for (const [name, { open, changed }] of map) {
    if (open > 0 || changed > oldest) return;
    map.delete(name);
  }
}
