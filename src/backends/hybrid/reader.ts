import { attempt } from '../../async/attempt.js';
import { emit } from '../../events.js';
import type { BackendEntry, CacheBackend, ReadContext } from '../backend.js';
import type { TierState } from './tier-state.js';
import { partOf } from './tiers.js';

type Values = (Uint8Array | undefined)[];

/**
 * Reads through the tiers: L1, what is queued for L2, and L2 for the rest, whose records are copied
 * to L1.
 */
export class Reader {
  readonly #state: TierState;
  readonly #l2: CacheBackend;

  constructor(state: TierState, l2: CacheBackend) {
    this.#state = state;
    this.#l2 = l2;
  }

  /**
   * Without a context, a failure of either tier rejects; with one, the context is told of it and
   * what the other tier has is returned.
   */
  read(keys: readonly string[], context: ReadContext | undefined): Promise<Values> {
    return this.#state.writes.read((wasChanged) => this.#read(keys, context, wasChanged));
  }

  async #read(
    keys: readonly string[],
    context: ReadContext | undefined,
    wasChanged: (key: string) => boolean,
  ): Promise<Values> {
    const state = this.#state;
    const mark = state.coherence?.mark();
    const { isL1Sound } = state;
    const values: Values = isL1Sound
      ? await partOf((asked) => state.l1.getMany(keys, asked), keys.length, context, undefined)
      : new Array(keys.length).fill(undefined);
    const missing: number[] = [];
    let queued = 0;
    for (const [place, key] of keys.entries()) {
      if (values[place] !== undefined) continue;
      values[place] = state.queue?.get(key);
      if (values[place] === undefined) missing.push(place);
      else queued += 1;
    }
    const emitTiers = (l2: number) => {
      if (context?.isRepeated) return;
      const l1 = keys.length - missing.length - queued;
      emit('tiers', () => ({ keys: keys.length, l1, queued, l2 }));
    };
    if (missing.length === 0) {
      emitTiers(0);
      return values;
    }

    const missingKeys = missing.map((place) => keys[place] as string);
    // Places are the caller's only where L1 and the queue have nothing.
    const onPart = missing.length === keys.length ? context?.onPart : undefined;
    const found = await this.#readL2(missingKeys, context, onPart);
    emitTiers(found.reduce((count, value) => count + (value === undefined ? 0 : 1), 0));
    if (state.isDisconnected) await state.fallback.serve(missingKeys, found);
    const copies: BackendEntry[] = [];
    const mayKeep = isL1Sound && state.isLiveSince(mark);
    for (const [index, place] of missing.entries()) {
      const value = found[index];
      if (value === undefined) continue;
      values[place] = value;
      const key = keys[place] as string;
      if (mayKeep && !wasChanged(key)) copies.push(state.copyOf(key, value));
    }
    // The answer does not wait for the copies, and loses nothing where they fail.
    if (copies.length > 0) state.l1.add(copies).catch(() => {});
    return values;
  }

  /** What L2 has; notes whether it answered. */
  async #readL2(
    keys: readonly string[],
    context: ReadContext | undefined,
    onPart: ReadContext['onPart'],
  ): Promise<Values> {
    let hasFailed = false;
    const noted = context && {
      ...context,
      onPartialFailure: (error: unknown) => {
        hasFailed = true;
        context.onPartialFailure(error);
      },
    };
    const found = await partOf((asked) => attempt(() => this.#l2.getMany(keys, asked)), keys.length, noted, onPart);
    this.#state.noteL2(!hasFailed);
    return found;
  }
}
