import type { BackendTouch } from '../backends/backend.js';
import type { Outcome } from '../events.js';
import { AdaptiveTtl, type CheckedAdaptiveTtl } from '../policies/adaptive-ttl.js';
import type { Ledger } from './stats.js';
import type { Store } from './store/store.js';

/** How long lives that are to be lengthened are gathered, in milliseconds. */
const GATHERING = 1_000;

/** Lives that are gathered at most: what comes on top is tried again at its next hit. */
const MOST_GATHERED = 10_000;

/** Lets the entries of a namespace live by how often they are asked for, and lengthens lives in the background. */
export class AdaptiveLives {
  readonly #policy: AdaptiveTtl;
  readonly #store: Store;
  readonly #ledger: Ledger;
  #gathered = new Map<string, BackendTouch>();
  #timer: NodeJS.Timeout | undefined;

  constructor(options: CheckedAdaptiveTtl, store: Store, ledger: Ledger) {
    this.#policy = new AdaptiveTtl(options);
    this.#store = store;
    this.#ledger = ledger;
    store.beforeClose(() => this.#lengthen());
  }

  /** Enters what became of the keys of a lookup. */
  enter(keys: readonly string[], outcomes: readonly Outcome[]): void {
    const now = performance.now();
    keys.forEach((key, i) => {
      if (outcomes[i] === 'hit') {
        const ttlMs = this.#policy.hit(key, now);
        if (ttlMs !== undefined) this.#gather({ key, ttlMs }, now);
      } else this.#policy.miss(key, now);
    });
  }

  /** The life of what is written now under a key, in milliseconds. */
  lifeOf(key: string): number {
    return this.#policy.written(key, performance.now());
  }

  #gather(touch: BackendTouch, now: number): void {
    if (this.#gathered.size >= MOST_GATHERED) {
      this.#policy.forget(touch.key, now);
      return;
    }
    this.#gathered.set(touch.key, touch);
    this.#timer ??= setTimeout(() => void this.#lengthen(), GATHERING);
    // Not every host has timers that keep a process alive.
    (this.#timer as { unref?: () => void }).unref?.();
  }

  async #lengthen(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const touches = [...this.#gathered.values()];
    this.#gathered = new Map();
    if (touches.length === 0 || (await this.#store.touch(touches, this.#ledger))) return;
    const now = performance.now();
    for (const { key } of touches) this.#policy.forget(key, now);
  }
}
