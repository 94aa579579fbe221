import { AsyncLocalStorage } from 'node:async_hooks';
import { NestedCallError } from '../../errors.js';

/** A computation under way: what runs inside it, and which others it waits for. */
export class Frame {
  readonly #waitsFor = new Map<Frame, number>();
  #hurry: (() => void) | undefined;
  #isAwaited = false;

  /** Whether a computation waits for it, or has waited. */
  get isAwaited(): boolean {
    return this.#isAwaited;
  }

  /**
   * Names what lets it go on at once while it waits in a queue: whoever has the places may wait for
   * it. It is called at once where a computation waits for it already.
   */
  set queued(hurry: () => void) {
    if (this.#isAwaited) hurry();
    else this.#hurry = hurry;
  }

  /**
   * Waits for another one. Throws `NestedCallError` where that waits, by whatever way, for this
   * one.
   */
  async waitFor<T>(other: Frame, wait: () => Promise<T>): Promise<T> {
    if (other.reaches(this)) throw new NestedCallError();
    other.#isAwaited = true;
    other.#hurry?.();
    this.#waitsFor.set(other, (this.#waitsFor.get(other) ?? 0) + 1);
    try {
      return await wait();
    } finally {
      const left = (this.#waitsFor.get(other) ?? 1) - 1;
      if (left > 0) this.#waitsFor.set(other, left);
      else this.#waitsFor.delete(other);
    }
  }

  /** Whether this one is `target`, or waits for it. */
  reaches(target: Frame): boolean {
    const seen = new Set<Frame>([this]);
    for (const frame of seen) {
      if (frame === target) return true;
      for (const next of frame.#waitsFor.keys()) seen.add(next);
    }
    return false;
  }
}

const frames = new AsyncLocalStorage<Frame>();

/**
 * The computation that called, where one did: a model that embeds, a function that asks for another
 * value.
 */
export function currentFrame(): Frame | undefined {
  return frames.getStore();
}

/** Runs `work` as what `frame` does. */
export function inside<T>(frame: Frame, work: () => T): T {
  return frames.run(frame, work);
}
