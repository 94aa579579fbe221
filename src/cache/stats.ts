import type { CorruptReason } from '../codec/engine/status.js';
import { tokensOf } from '../codec/record-header.js';
import type { OnRefused } from '../codec/vectors.js';
import { emit, type Outcome } from '../events.js';
import type { RecordSpans } from '../record-spans.js';

/**
 * What a namespace has seen since the cache was made. Keys are counted once a call, however often a
 * batch repeats them.
 */
export interface NamespaceStats {
  /** Keys answered from the backend. */
  hits: number;
  /** Keys that were not, for whatever reason: absent, refused, or the backend did not answer. */
  misses: number;
  /** Records that were found damaged and refused (each a miss as well). */
  corrupt: number;
  /**
   * Records that are sound, as far as this process can tell, and need what it has not: a newer
   * format, a codec, a dictionary (each a miss as well).
   */
  unsupported: number;
  /** Entries that a model or a compute function was asked for, and gave. */
  fills: number;
  /** Calls to the backend that failed, timed out or were dropped. */
  errors: number;
  /** Bytes of the records found. */
  bytesRead: number;
  /** Bytes of the records handed to the backend. */
  bytesWritten: number;
}

/** What a lookup read, and when it began. */
export interface LookedUp {
  records: RecordSpans;
  startedAt: number;
}

/** Why records of one lookup were refused, by place. */
export class Refusals {
  readonly #reasons = new Map<number, CorruptReason>();
  readonly #isLearning: boolean;

  /** @param isLearning whether the keys do not say the dimensions of their vectors */
  constructor(isLearning = false) {
    this.#isLearning = isLearning;
  }

  readonly note: OnRefused = (place, reason) => {
    this.#reasons.set(place, reason);
  };

  /**
   * What a record that was refused counts as. One that is coarser than what is asked for now, or
   * whose profile this namespace has not, is a plain miss: nothing is wrong with it. One that needs
   * what this process has not is no damage either.
   */
  outcomeOf(place: number): Outcome {
    switch (this.#reasons.get(place)) {
      case 'precision':
      case 'profile':
        return 'miss';
      case 'format':
      case 'mode':
      case 'unsupported':
        return 'unsupported';
      case 'dimensions':
        return this.#isLearning ? 'miss' : 'corrupt';
      default:
        return 'corrupt';
    }
  }
}

/** Counts what becomes of a namespace's keys, and emits it as events. */
export class StatsRecorder {
  readonly namespace: string;
  readonly stats: NamespaceStats = {
    hits: 0,
    misses: 0,
    corrupt: 0,
    unsupported: 0,
    fills: 0,
    errors: 0,
    bytesRead: 0,
    bytesWritten: 0,
  };

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  /**
   * Records one lookup: what was read, and what could be made of each record (`outcome` is not
   * asked of a key without one). Returns what became of each key.
   */
  recordLookup(
    keys: readonly string[],
    { records, startedAt }: LookedUp,
    outcome: (index: number) => Outcome,
  ): Outcome[] {
    const { stats } = this;
    let bytes = 0;
    const outcomes = keys.map((_, i): Outcome => {
      const became = records.has(i) ? outcome(i) : 'miss';
      bytes += records.lengthOf(i);
      if (became === 'hit') stats.hits++;
      else stats.misses++;
      if (became === 'corrupt') stats.corrupt++;
      if (became === 'unsupported') stats.unsupported++;
      return became;
    });
    stats.bytesRead += bytes;
    emit('lookup', () => ({
      namespace: this.namespace,
      keys,
      outcomes,
      tokens: outcomes.map((became, i) => (became === 'hit' ? records.read(i, tokensOf) : undefined)),
      bytes,
      durationMs: performance.now() - startedAt,
    }));
    return outcomes;
  }
}
