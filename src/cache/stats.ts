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

export function emptyStats(): NamespaceStats {
  return { hits: 0, misses: 0, corrupt: 0, fills: 0, errors: 0, bytesRead: 0, bytesWritten: 0 };
}

/** Counts one lookup: the records that came back, and what could be made of each (nobody asks of one that did not). */
export function countLookup(
  stats: NamespaceStats,
  records: readonly (Uint8Array | undefined)[],
  outcome: (index: number) => 'hit' | 'miss' | 'corrupt',
): void {
  for (let i = 0; i < records.length; i++) {
    const record = records[i];
    if (record !== undefined) stats.bytesRead += record.length;
    const was = record === undefined ? 'miss' : outcome(i);
    if (was === 'hit') stats.hits++;
    else stats.misses++;
    if (was === 'corrupt') stats.corrupt++;
  }
}
