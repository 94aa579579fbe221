import { attempt } from '../../async/attempt.js';
import type { Clock } from '../../clock.js';
import type { BackendEntry } from '../backend.js';
import { type OpenChange, Overlaps } from '../overlap.js';
import { Bridge } from './bridge.js';
import { type Coherence, GRACE, LEASE, type LiveMark } from './coherence.js';
import type { FarWriter } from './far-writer.js';
import type { NearTier } from './near-tier.js';
import type { WriteBehindQueue } from './write-behind.js';

/** A change that this instance makes. */
export interface Running extends OpenChange {
  /** The time since which the instance was live when it began. */
  mark: LiveMark;
  /** By the clock. */
  startedAt: number;
}

/** What the parts of a `HybridBackend` share: its tiers, and what it knows of the other instances. */
export class TierState {
  readonly near: NearTier;
  readonly far: FarWriter;
  readonly bridge: Bridge;
  readonly overlaps = new Overlaps();
  readonly clock: Clock;
  queue: WriteBehindQueue | undefined;
  coherence: Coherence | undefined;
  readonly #l1Ttl: number;
  readonly #l2Ttl: number | undefined;

  constructor(
    tiers: { near: NearTier; far: FarWriter },
    lives: { l1Ttl: number; l2Ttl: number | undefined },
    clock: Clock,
  ) {
    this.near = tiers.near;
    this.far = tiers.far;
    this.bridge = new Bridge(this.near);
    this.#l1Ttl = lives.l1Ttl;
    this.#l2Ttl = lives.l2Ttl;
    this.clock = clock;
  }

  /** Whether changes of other instances are not heard. */
  get isDeaf(): boolean {
    return this.coherence?.isLive === false;
  }

  /** Whether what is near may be served. */
  get isNearSound(): boolean {
    return !this.isDeaf && this.near.isSound;
  }

  /** Whether what others changed since then has been heard of. */
  isLiveSince(mark: LiveMark): boolean {
    return this.coherence === undefined || this.coherence.isLiveSince(mark);
  }

  /**
   * Whether a write on purpose that began then may still be done. It may not where this instance was live then, and others may have
   * gone on without it meanwhile: it was paused, say. Whoever was not live then hears of nothing, and only has not to be too late.
   */
  isTimely({ mark, startedAt }: Pick<Running, 'mark' | 'startedAt'>): boolean {
    if (this.isLiveSince(mark)) return true;
    const grace = mark === undefined ? LEASE : this.far.locks ? GRACE : 0;
    return this.clock.now() - startedAt < grace;
  }

  /** What begins now, for `isTimely`. */
  begin(): Pick<Running, 'mark' | 'startedAt'> {
    return { mark: this.coherence?.mark(), startedAt: this.clock.now() };
  }

  noteFar(hasAnswered: boolean): void {
    if (!this.isDeaf) return;
    if (hasAnswered) this.bridge.end();
    else this.bridge.begin();
  }

  /** Calls the second tier, and notes whether it answered. */
  async asking<T>(call: () => Promise<T>): Promise<T> {
    try {
      const result = await attempt(call);
      this.noteFar(true);
      return result;
    } catch (error) {
      this.noteFar(false);
      throw error;
    }
  }

  /** Drops copies. Where that fails they are not used any more. */
  async dropNear(keys: readonly string[]): Promise<void> {
    if (keys.length > 0) await this.near.drop({ keys }).catch(() => {});
  }

  /** Entries as the first tier keeps them. */
  nearOf(entries: readonly BackendEntry[]): BackendEntry[] {
    return entries.map((entry) => ({ ...entry, ttlMs: Math.min(entry.ttlMs ?? this.#l1Ttl, this.#l1Ttl) }));
  }

  /** A copy of what the second tier has. */
  copyOf(key: string, value: Uint8Array): BackendEntry {
    return { key, value, ttlMs: this.#l1Ttl };
  }

  /** Entries as the second tier stores them. */
  farOf(entries: readonly BackendEntry[]): readonly BackendEntry[] {
    const l2Ttl = this.#l2Ttl;
    return l2Ttl === undefined ? entries : entries.map((entry) => ({ ...entry, ttlMs: entry.ttlMs ?? l2Ttl }));
  }
}
