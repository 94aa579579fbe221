import { type Outcome, tell } from '../events.js';
import type { Records } from '../records.js';

/** What a namespace has seen since the cache was made. Keys are counted once a call, however often a batch repeats them. */
export interface NamespaceStats {
  /** Keys answered from the backend. */
  hits: number;
  /** Keys that were not, for whatever reason: absent, refused, or the backend did not answer. */
  misses: number;
  /** Records that were found and refused (each a miss as well). */
  corrupt: number;
  /** Entries that a model or a compute function was asked for, and gave. */
  fills: number;
  /** Calls to the backend that failed, timed out or were dropped. */
  errors: number;
  /** Bytes of the records found. */
  bytesRead: number;
  /** Bytes of the records handed to the backend. */
  bytesWritten: number;
}

/** What a lookup brought, and when it began. */
export interface Looked {
  records: Records;
  startedAt: number;
}

/** The books of one namespace: what is counted, and told to whoever listens. */
export class Ledger {
  readonly namespace: string;
  readonly stats: NamespaceStats = {
    hits: 0,
    misses: 0,
    corrupt: 0,
    fills: 0,
    errors: 0,
    bytesRead: 0,
    bytesWritten: 0,
  };

  constructor(namespace: string) {
    this.namespace = namespace;
  }

  /**
   * Enters one lookup: the records that came back, and what could be made of each (nobody asks of one that did not). Returns what
   * became of each key.
   */
  enterLookup(keys: readonly string[], { records, startedAt }: Looked, outcome: (index: number) => Outcome): Outcome[] {
    const { stats } = this;
    let bytes = 0;
    const outcomes = keys.map((_, i): Outcome => {
      const was = records.has(i) ? outcome(i) : 'miss';
      bytes += records.lengthOf(i);
      if (was === 'hit') stats.hits++;
      else stats.misses++;
      if (was === 'corrupt') stats.corrupt++;
      return was;
    });
    stats.bytesRead += bytes;
    tell('lookup', () => ({
      namespace: this.namespace,
      keys,
      outcomes,
      bytes,
      durationMs: performance.now() - startedAt,
    }));
    return outcomes;
  }
}
