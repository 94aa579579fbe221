import type { BackendEntry, BackendLocks, CacheBackend } from '../../src/backends/backend.js';
import { LOCK_GRACE, type LockStore, locksOver } from '../../src/backends/shell/locks.js';
import { BackendError } from '../../src/errors.js';
import type { Process, World } from './simulation.js';

interface Lock {
  holder: string;
  end: number;
}

interface State {
  at: number;
  records: Map<string, Uint8Array>;
  locks: Map<string, Lock>;
}

export interface FarStoreOptions {
  /** The share of calls that fail, before or after they were done. */
  failures?: number;
  hasLocks?: boolean;
  /** The share of commands that wait in a client for seconds before they are sent: its connection was away. */
  late?: number;
}

/** A store far away that several processes share. Calls take time before they are done and after, and overtake one another. */
export class FarStore {
  readonly #world: World;
  readonly #options: FarStoreOptions;
  #state: State = { at: 0, records: new Map(), locks: new Map() };
  /** As it was after each change. */
  readonly #history: State[] = [];

  constructor(world: World, options: FarStoreOptions = {}) {
    this.#world = world;
    this.#options = options;
  }

  get records(): ReadonlyMap<string, Uint8Array> {
    return this.#state.records;
  }

  /** A replica takes over that is behind, or it starts again from a snapshot. Returns the time from which its state is. */
  goBack(lag: number): number {
    const from = this.#world.now - lag;
    const state = this.#history.findLast(({ at }) => at <= from) ?? { at: 0, records: new Map(), locks: new Map() };
    this.#state = { at: this.#world.now, records: new Map(state.records), locks: new Map(state.locks) };
    this.#history.push(copyOf(this.#state, this.#world.now));
    return from;
  }

  client(process: Process): CacheBackend {
    const call = <T>(work: () => T) => this.#call(process, work);
    const removed = (keys: Iterable<string>) => [...keys].filter((key) => this.#remove(key)).length;
    const beginning = (prefix: string, names: Iterable<string>) => [...names].filter((name) => name.startsWith(prefix));
    return {
      isolatesFailures: true,
      getMany: (keys) => call(() => keys.map((key) => this.#state.records.get(key))),
      setMany: (entries) => call(() => this.#store(entries)),
      deleteMany: (keys) => call(() => removed(keys)),
      clear: (prefix) =>
        call(() => {
          const { records, locks } = this.#state;
          for (const key of beginning(prefix, locks.keys())) locks.delete(key);
          return removed(beginning(prefix, records.keys()));
        }),
      health: async () => ({ ok: true, latencyMs: 0 }),
      close: async () => {},
      ...(this.#options.hasLocks && { locks: this.#locks(call) }),
    };
  }

  #locks(call: <T>(work: () => T) => Promise<T>): BackendLocks {
    const mine = (key: string, holder: string) => this.#state.locks.get(key)?.holder === holder;
    const store: LockStore = {
      acquire: (keys, holder, lifeMs, force) => call(() => keys.map((key) => this.#lock(key, holder, lifeMs, force))),
      renew: (keys, holder) => call(() => keys.map((key) => mine(key, holder))),
      setMany: (entries, holder) =>
        call(() => {
          const answers = entries.map(({ key }) => mine(key, holder));
          this.#store(entries.filter((_, place) => answers[place]));
          return answers;
        }),
      release: (keys, holder) =>
        call(() => {
          for (const key of keys) if (mine(key, holder)) this.#state.locks.delete(key);
        }),
    };
    return locksOver(store, (work) => work());
  }

  #lock(key: string, holder: string, lifeMs: number, force: boolean): boolean {
    const { locks } = this.#state;
    const { now } = this.#world;
    const known = locks.get(key);
    if (known && known.end + LOCK_GRACE <= now) locks.delete(key);
    else if (known && known.holder !== holder && known.end > now && !force) return false;
    locks.set(key, { holder, end: now + lifeMs });
    return true;
  }

  #store(entries: readonly BackendEntry[]): void {
    for (const { key, value } of entries) {
      this.#state.records.set(key, value);
      this.#state.locks.delete(key);
    }
  }

  #remove(key: string): boolean {
    this.#state.locks.delete(key);
    return this.#state.records.delete(key);
  }

  async #call<T>(process: Process, work: () => T): Promise<T> {
    const world = this.#world;
    const { failures = 0, late = 0 } = this.#options;
    await world.wait(late > 0 && world.chance() < late ? world.between(500, 8000) : world.between(1, 60));
    if (world.chance() < failures) {
      await process.wait(1);
      throw new BackendError('failed before it was done');
    }
    const result = work();
    this.#history.push(copyOf(this.#state, world.now));
    await process.wait(world.between(1, 60));
    if (world.chance() < failures) throw new BackendError('failed after it was done');
    return result;
  }
}

function copyOf({ records, locks }: State, at: number): State {
  return { at, records: new Map(records), locks: new Map([...locks].map(([key, lock]) => [key, { ...lock }])) };
}
