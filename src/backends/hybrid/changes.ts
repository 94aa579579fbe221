import { attempt } from '../../async/attempt.js';
import { BackendError } from '../../errors.js';
import type { BackendEntry, BackendFill, BackendLocks, CacheBackend } from '../backend.js';
import type { Change } from '../change.js';
import { KeyOrder } from '../shell/key-order.js';
import type { LiveMark } from './coherence.js';
import type { Running, TierState } from './tier-state.js';
import { both } from './tiers.js';

export const NOT_HEARD = 'changes of other instances are not heard';

/** Of a write without a lock of the caller. */
export interface Write {
  /** It stores what was computed: whatever changed since then is left as it is. */
  isFill: boolean;
  /** What L2 lends for that, where it hears of changes itself. */
  l2Fill?: BackendFill | undefined;
}

/**
 * What changes both tiers, of this instance and of others. An instance's own changes of a key are
 * made in the order in which they were asked for. A copy stays in L1 only where L2 took it and
 * nothing else touched the key meanwhile: what cannot be said for certain is read from L2.
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
  async set(entries: readonly BackendEntry[], { isFill, l2Fill }: Write): Promise<void> {
    if (entries.length === 0) return;
    const state = this.#state;
    const keys = entries.map(({ key }) => key);
    await this.#run({ keys }, false, async (running) => {
      const isOvertaken = isFill ? running.wasChanged : running.wasRemoved;
      if (l2Fill === undefined && this.#mayQueue(running)) {
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
      const l2Entries = state.l2EntriesOf(entries);
      const writeL2 = async () => {
        if (l2Fill === undefined) return state.l2Writer.setMany(l2Entries, isWanted);
        await l2Fill.setMany(l2Entries);
        return entries.map(() => true);
      };
      const isKept = (key: string) => state.isLiveSince(running.mark) && !running.wasChanged(key);
      const l1Entries = state.l1EntriesOf(entries);
      const putInL1 = state.isDisconnected
        ? state.fallback.put(this.#fallbackEntries(l1Entries, running))
        : state.l1.put(l1Entries.filter(({ key }) => isKept(key)));
      let isStored = (_place: number) => true;
      try {
        const stored = await both(putInL1, state.asking(writeL2));
        isStored = (place) => stored[place] === true;
      } finally {
        // It may have been done although it failed.
        state.coherence?.announce({ keys });
        if (!state.isDisconnected)
          await state.dropFromL1(keys.filter((key, place) => !isStored(place) || !isKept(key)));
      }
      if (isLate) throw new BackendError(`not stored: L2 answered too late, and ${NOT_HEARD}`);
    });
  }

  /**
   * Stores what `holder` still has locked, and returns what that was.
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
      const l1Entries = state.l1EntriesOf(entries);
      const keep = async (which: readonly BackendEntry[]) => {
        if (state.isDisconnected) return;
        const isSound = state.isLiveSince(running.mark);
        const kept = which.filter(({ key }) => isSound && !running.wasChanged(key));
        const names = new Set(kept.map(({ key }) => key));
        await Promise.all([
          state.l1.put(kept).catch(() => {}),
          state.dropFromL1(keys.filter((key) => !names.has(key))),
        ]);
      };
      let stored: boolean[];
      try {
        stored = await state.asking(() => state.l2Writer.setManyLocked(state.l2EntriesOf(entries), holder));
      } catch (error) {
        state.coherence?.announce({ keys });
        if (state.isDisconnected) await state.fallback.put(this.#fallbackEntries(l1Entries, running)).catch(() => {});
        else await keep(l1Entries);
        throw error;
      }
      await keep(l1Entries.filter((_, place) => stored[place]));
      const written = keys.filter((_, place) => stored[place]);
      if (written.length > 0) state.coherence?.announce({ keys: written });
      return stored;
    });
  }

  /**
   * Locks by force. Not what was removed before the answer came, nor anything where others may have
   * removed it unheard.
   */
  takeOver(locks: BackendLocks, keys: readonly string[], holder: string, ttlMs: number): Promise<boolean[]> {
    const since = this.#state.begin();
    return this.#state.writes.read(async (_, wasRemoved) => {
      // What is queued without a lock would take it away again.
      await this.#state.queue?.yieldTo({ keys });
      const answers = await locks.acquire(keys, holder, ttlMs, { force: true });
      const isTimely = this.#state.isTimely(since);
      const isTaken = keys.map((key, place) => answers[place] === true && isTimely && !wasRemoved(key));
      const left = keys.filter((_, place) => answers[place] && !isTaken[place]);
      if (left.length > 0) await locks.release(left, holder);
      return isTaken;
    });
  }

  /** Removes from both tiers, and from the L1 of all others. Returns what L2 and the queue had. */
  remove(change: Change, fromL2: () => Promise<number>): Promise<number> {
    const { coherence, l1, queue } = this.#state;
    const removeFromL2 = () => attempt(fromL2);
    return this.#run(change, true, () => {
      const removeAll = async () => {
        // What is under way must not arrive after the removal.
        const queued = await queue?.cancel(change);
        const unwritten = await this.#countAbsent(queued ?? []);
        return unwritten + (await (coherence ? coherence.remove(change, removeFromL2) : removeFromL2()));
      };
      return both(l1.drop(change), removeAll());
    });
  }

  /**
   * Another instance makes a change. Where that is a removal this resolves when nothing from before
   * it can reach L2 any more.
   */
  async hear(change: Change, isRemoval: boolean): Promise<void> {
    const { l1, l2Writer, writes, queue } = this.#state;
    const drop = async () => {
      const queued = isRemoval ? queue?.cancel(change) : queue?.yieldTo(change);
      // Where that fails nothing is served from L1 any more.
      await l1.drop(change).catch(() => {});
      // A write under a lock is refused after the removal, however late it is.
      if (!isRemoval || l2Writer.locks !== undefined) return;
      await queued;
      await l2Writer.settled(change);
    };
    await writes.write(change, drop, isRemoval);
  }

  /** Changes of others may have been missed. */
  async forget(): Promise<void> {
    const { coherence, fallback, l1, queue, writes } = this.#state;
    fallback.end();
    const everything = { prefix: '' };
    const clear = () => l1.drop(everything);
    // Before it was ever heard nobody could know, and nothing was kept for that: it begins with an
    // empty L1.
    if (!coherence?.wasLive) {
      await clear();
      return;
    }
    queue?.discard();
    await writes.write(everything, clear);
  }

  /** Runs a change, after those of the same keys that were begun before. */
  async #run<T>(change: Change, isRemoval: boolean, work: (running: Running) => Promise<T>): Promise<T> {
    const since = this.#state.begin();
    const open = this.#state.writes.begin(change, isRemoval);
    try {
      return await this.#order.run(change, () => work({ ...open, ...since }));
    } finally {
      open.end();
    }
  }

  /**
   * What may serve while neither the others nor L2 are reached: not what was heard to be removed
   * before that.
   */
  #fallbackEntries(entries: readonly BackendEntry[], running: Running): readonly BackendEntry[] {
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
    await state.l1.put(state.l1EntriesOf(entries.filter(({ key }) => !wasChanged(key))));
    const isSafe = whileLive(state, mark);
    const isWanted = (key: string) => !isOvertaken(key);
    await state.queue?.push({ entries: state.l2EntriesOf(entries), holder, isSafe, isWanted });
  }

  /** How many of the keys L2 does not have: those that only the queue had. */
  async #countAbsent(keys: readonly string[]): Promise<number> {
    if (keys.length === 0) return 0;
    const found = await attempt(() => this.#l2.getMany(keys)).catch(() => []);
    return found.filter((value) => value === undefined).length;
  }
}

/**
 * Made here: made beside what knows the keys of a whole batch it would keep them for as long as one
 * of them is queued.
 */
function whileLive(state: TierState, mark: LiveMark): () => boolean {
  return () => state.isLiveSince(mark);
}
