import { attempt } from '../../async/attempt.js';
import type { Clock } from '../../clock.js';
import type { BackendEntry } from '../backend.js';
import { type OpenChange, WriteTracker } from '../write-tracker.js';
import { type Coherence, GRACE, LEASE, type LiveMark } from './coherence.js';
import type { L1Tier } from './l1-tier.js';
import type { L2Writer } from './l2-writer.js';
import { OutageFallback } from './outage-fallback.js';
import type { WriteBehindQueue } from './write-behind.js';

/** A change that this instance makes. */
export interface Running extends OpenChange {
  /** The time since which the instance was live when it began. */
  mark: LiveMark;
  /** By the clock. */
  startedAt: number;
}

/**
 * What the parts of a `HybridBackend` share: its tiers, and what it knows of the other instances.
 */
export class TierState {
  readonly l1: L1Tier;
  readonly l2Writer: L2Writer;
  readonly fallback: OutageFallback;
  readonly writes = new WriteTracker();
  readonly clock: Clock;
  queue: WriteBehindQueue | undefined;
  coherence: Coherence | undefined;
  readonly #l1Ttl: number;
  readonly #l2Ttl: number | undefined;

  constructor(
    tiers: { l1: L1Tier; l2Writer: L2Writer },
    ttls: { l1Ttl: number; l2Ttl: number | undefined },
    clock: Clock,
  ) {
    this.l1 = tiers.l1;
    this.l2Writer = tiers.l2Writer;
    this.fallback = new OutageFallback(this.l1);
    this.#l1Ttl = ttls.l1Ttl;
    this.#l2Ttl = ttls.l2Ttl;
    this.clock = clock;
  }

  /** Whether changes of other instances are not heard. */
  get isDisconnected(): boolean {
    return this.coherence?.isLive === false;
  }

  /** Whether what L1 has may be served. */
  get isL1Sound(): boolean {
    return !this.isDisconnected && this.l1.isSound;
  }

  /** Whether what others changed since then has been heard of. */
  isLiveSince(mark: LiveMark): boolean {
    return this.coherence === undefined || this.coherence.isLiveSince(mark);
  }

  /**
   * Whether a write on purpose that began then may still be done. It may not where this instance
   * was live then, and others may have gone on without it meanwhile: it was paused, say. Whoever
   * was not live then hears of nothing, and only has not to be too late.
   */
  isTimely({ mark, startedAt }: Pick<Running, 'mark' | 'startedAt'>): boolean {
    if (this.isLiveSince(mark)) return true;
    const grace = mark === undefined ? LEASE : this.l2Writer.locks ? GRACE : 0;
    return this.clock.now() - startedAt < grace;
  }

  /** What begins now, for `isTimely`. */
  begin(): Pick<Running, 'mark' | 'startedAt'> {
    return { mark: this.coherence?.mark(), startedAt: this.clock.now() };
  }

  noteL2(hasAnswered: boolean): void {
    if (!this.isDisconnected) return;
    if (hasAnswered) this.fallback.end();
    else this.fallback.begin();
  }

  /** Calls L2, and notes whether it answered. */
  async asking<T>(call: () => Promise<T>): Promise<T> {
    try {
      const result = await attempt(call);
      this.noteL2(true);
      return result;
    } catch (error) {
      this.noteL2(false);
      throw error;
    }
  }

  /** Drops copies. Where that fails they are not used any more. */
  async dropFromL1(keys: readonly string[]): Promise<void> {
    if (keys.length > 0) await this.l1.drop({ keys }).catch(() => {});
  }

  /** Entries as L1 keeps them. */
  l1EntriesOf(entries: readonly BackendEntry[]): BackendEntry[] {
    return entries.map((entry) => ({ ...entry, ttlMs: Math.min(entry.ttlMs ?? this.#l1Ttl, this.#l1Ttl) }));
  }

  /** A copy of what L2 has. */
  copyOf(key: string, value: Uint8Array): BackendEntry {
    return { key, value, ttlMs: this.#l1Ttl };
  }

  /** Entries as L2 stores them. */
  l2EntriesOf(entries: readonly BackendEntry[]): readonly BackendEntry[] {
    const l2Ttl = this.#l2Ttl;
    return l2Ttl === undefined ? entries : entries.map((entry) => ({ ...entry, ttlMs: entry.ttlMs ?? l2Ttl }));
  }
}
