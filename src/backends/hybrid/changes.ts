import { attempt } from '../../async/attempt.js';
import { BackendError } from '../../errors.js';
import type { BackendEntry, BackendFill, BackendLocks, CacheBackend } from '../backend.js';
import type { Change } from '../change.js';
import { KeyOrder } from '../key-order.js';
import type { Running, TierState } from './tier-state.js';
import { both } from './tiers.js';

export const NOT_HEARD = 'changes of other instances are not heard';

/** Of a write without a lock of the caller. */
export interface Write {
  /** It stores what was computed: whatever changed since then is left as it is. */
  isFill: boolean;
  /** What the second tier lends for that, where it hears of changes itself. */
  farFill?: BackendFill | undefined;
}

/**
 * What changes both tiers, of this instance and of others. An instance's own changes of a key are made in the order in which they
 * were asked for. A copy stays near only where the second tier took it and nothing else touched the key meanwhile: what cannot be
 * said for certain is read from the second tier.
 */
export class Changes {
  readonly #state: TierState;
  readonly #l2: CacheBackend;
  readonly #order = new KeyOrder();

  constructor(state: TierState, l2: CacheBackend) {
    this.#state = state;
    this.#l2 = l2;
  }

  /** Writes entries whose keys the caller has not locked. */
  async set(entries: readonly BackendEntry[], { isFill, farFill }: Write): Promise<void> {
    if (entries.length === 0) return;
    const state = this.#state;
    const keys = entries.map(({ key }) => key);
    await this.#run({ keys }, false, async (running) => {
      const isOvertaken = isFill ? running.wasChanged : running.wasRemoved;
      if (farFill === undefined && this.#mayQueue(running)) {
        await this.#enqueue(entries, running, isOvertaken);
        return;
      }
      // Nothing older may arrive after it, or take its lock away.
      await state.queue?.yieldTo({ keys });
      let isLate = false;
      const isWanted = ({ key }: BackendEntry) => {
        isLate ||= !state.isTimely(running);
        return !isLate && !isOvertaken(key);
      };
      const far = state.farOf(entries);
      const writeFar = async () => {
        if (farFill === undefined) return state.far.setMany(far, isWanted);
        await farFill.setMany(far);
        return entries.map(() => true);
      };
      const isKept = (key: string) => state.isLiveSince(running.mark) && !running.wasChanged(key);
      const near = state.nearOf(entries);
      const putNear = state.isDeaf
        ? state.bridge.put(this.#bridgeable(near, running))
        : state.near.put(near.filter(({ key }) => isKept(key)));
      let isStored = (_place: number) => true;
      try {
        const stored = await both(putNear, state.asking(writeFar));
        isStored = (place) => stored[place] === true;
      } finally {
        // It may have been done although it failed.
        state.coherence?.announce({ keys });
        if (!state.isDeaf) await state.dropNear(keys.filter((key, place) => !isStored(place) || !isKept(key)));
      }
      if (isLate) throw new BackendError(`not stored: the second tier answered too late, and ${NOT_HEARD}`);
    });
  }

  /**
   * Stores what `holder` still has locked, and tells what that was.
   *
   * @param mayQueue whether it is enough that it is queued, where there is a queue
   */
  setLocked(entries: readonly BackendEntry[], holder: string, mayQueue: boolean): Promise<boolean[]> {
    const state = this.#state;
    const keys = entries.map(({ key }) => key);
    return this.#run({ keys }, false, async (running) => {
      if (mayQueue && this.#mayQueue(running)) {
        await this.#enqueue(entries, running, running.wasRemoved, holder);
        return entries.map(() => true);
      }
      await state.queue?.yieldTo({ keys });
      const near = state.nearOf(entries);
      const keep = async (which: readonly BackendEntry[]) => {
        if (state.isDeaf) return;
        const isSound = state.isLiveSince(running.mark);
        const kept = which.filter(({ key }) => isSound && !running.wasChanged(key));
        const names = new Set(kept.map(({ key }) => key));
        await Promise.all([
          state.near.put(kept).catch(() => {}),
          state.dropNear(keys.filter((key) => !names.has(key))),
        ]);
      };
      let stored: boolean[];
      try {
        stored = await state.asking(() => state.far.setManyLocked(state.farOf(entries), holder));
      } catch (error) {
        state.coherence?.announce({ keys });
        if (state.isDeaf) await state.bridge.put(this.#bridgeable(near, running)).catch(() => {});
        else await keep(near);
        throw error;
      }
      await keep(near.filter((_, place) => stored[place]));
      const written = keys.filter((_, place) => stored[place]);
      if (written.length > 0) state.coherence?.announce({ keys: written });
      return stored;
    });
  }

  /** Locks by force. Not what was removed before the answer came, nor anything where others may have removed it unheard. */
  takeOver(locks: BackendLocks, keys: readonly string[], holder: string, lifeMs: number): Promise<boolean[]> {
    const since = this.#state.begin();
    return this.#state.overlaps.read(async (_, wasRemoved) => {
      // What is queued without a lock would take it away again.
      await this.#state.queue?.yieldTo({ keys });
      const answers = await locks.acquire(keys, holder, lifeMs, { force: true });
      const isTimely = this.#state.isTimely(since);
      const isTaken = keys.map((key, place) => answers[place] === true && isTimely && !wasRemoved(key));
      const left = keys.filter((_, place) => answers[place] && !isTaken[place]);
      if (left.length > 0) await locks.release(left, holder);
      return isTaken;
    });
  }

  /** Removes from both tiers, and from the first tiers of all others. Returns what the second tier and the queue had. */
  remove(change: Change, fromFar: () => Promise<number>): Promise<number> {
    const { coherence, near, queue } = this.#state;
    const removeFar = () => attempt(fromFar);
    return this.#run(change, true, () => {
      const far = async () => {
        // What is under way must not arrive after the removal.
        const queued = await queue?.cancel(change);
        const unwritten = await this.#countAbsent(queued ?? []);
        return unwritten + (await (coherence ? coherence.remove(change, removeFar) : removeFar()));
      };
      return both(near.drop(change), far());
    });
  }

  /**
   * Another instance makes a change. Where that is a removal this resolves when nothing from before it can reach the second tier
   * any more.
   */
  async hear(change: Change, isRemoval: boolean): Promise<void> {
    const { far, near, overlaps, queue } = this.#state;
    const drop = async () => {
      const queued = isRemoval ? queue?.cancel(change) : queue?.yieldTo(change);
      // Where that fails nothing is served from near any more.
      await near.drop(change).catch(() => {});
      // A write under a lock is refused after the removal, however late it is.
      if (!isRemoval || far.locks !== undefined) return;
      await queued;
      await far.settled(change);
    };
    await overlaps.write(change, drop, isRemoval);
  }

  /** Changes of others may have been missed. */
  async forget(): Promise<void> {
    const { bridge, coherence, near, overlaps, queue } = this.#state;
    bridge.end();
    const everything = { prefix: '' };
    const clear = () => near.drop(everything);
    // Before it was ever heard nobody could know, and nothing was kept for that: it begins with an empty first tier.
    if (!coherence?.wasLive) {
      await clear();
      return;
    }
    queue?.discard();
    await overlaps.write(everything, clear);
  }

  /** Runs a change, after those of the same keys that were begun before. */
  async #run<T>(change: Change, isRemoval: boolean, work: (running: Running) => Promise<T>): Promise<T> {
    const since = this.#state.begin();
    const open = this.#state.overlaps.begin(change, isRemoval);
    try {
      return await this.#order.run(change, () => work({ ...open, ...since }));
    } finally {
      open.end();
    }
  }

  /** What may serve while neither the others nor the second tier are reached: not what was heard to be removed before that. */
  #bridgeable(entries: readonly BackendEntry[], running: Running): readonly BackendEntry[] {
    return this.#state.isTimely(running) ? entries.filter(({ key }) => !running.wasRemoved(key)) : [];
  }

  /** What others remove while this instance does not hear them must not be written after that. */
  #mayQueue({ mark }: Running): boolean {
    return this.#state.queue !== undefined && this.#state.isLiveSince(mark);
  }

  async #enqueue(
    entries: readonly BackendEntry[],
    { mark, wasChanged }: Running,
    isOvertaken: (key: string) => boolean,
    holder?: string,
  ): Promise<void> {
    const state = this.#state;
    await state.near.put(state.nearOf(entries.filter(({ key }) => !wasChanged(key))));
    const isSafe = () => state.isLiveSince(mark);
    const isWanted = (key: string) => !isOvertaken(key);
    await state.queue?.push({ entries: state.farOf(entries), holder, isSafe, isWanted });
  }

  /** How many of the keys the second tier does not have: those that only the queue had. */
  async #countAbsent(keys: readonly string[]): Promise<number> {
    if (keys.length === 0) return 0;
    const found = await attempt(() => this.#l2.getMany(keys)).catch(() => []);
    return found.filter((value) => value === undefined).length;
  }
}
