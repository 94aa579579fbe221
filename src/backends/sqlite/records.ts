import type { BackendEntry } from '../backend.js';
import type { SqliteFile } from './file/file.js';
import type { HasTimeLeft } from './file/time-slicer.js';
import type { Uses } from './uses.js';

/** The row, its places in four indexes and its share of half-filled pages. */
const ROW_OVERHEAD = 160;

/**
 * What one step stores at the most, beside its limit of time: a commit takes its time by the byte.
 * One row in any case.
 */
const STEP_BYTES = 256 * 1024;

/** An entry as it is to be stored. */
interface Row {
  key: string;
  value: Uint8Array;
  size: number;
  ttlMs: number | undefined;
}

/** Stores records, and removes others where the bound in bytes asks for it. */
export class SqliteRecords {
  readonly #file: SqliteFile;
  readonly #uses: Uses;
  readonly #maxBytes: number;

  /** @param maxBytes what all records may take together */
  constructor(file: SqliteFile, uses: Uses, maxBytes: number) {
    this.#file = file;
    this.#uses = uses;
    this.#maxBytes = maxBytes;
  }

  /**
   * Stores entries of distinct keys in steps, and ends the locks of their keys. Where a holder of
   * locks is named, only what that has locked. Returns for each entry whether it was stored: what
   * is larger than the bound is not, and the older value is gone.
   */
  async put(entries: readonly BackendEntry[], holder?: string): Promise<boolean[]> {
    const rows = entries.map(rowOf);
    const answers: boolean[] = [];
    while (answers.length < rows.length) {
      const some = await this.#file.store((hasTimeLeft) => this.#putSome(rows, answers.length, hasTimeLeft, holder));
      answers.push(...some);
    }
    return answers;
  }

  /**
   * Tells what was used the longest ago, which is what evictions are measured by. Only in a step,
   * or at the beginning.
   */
  learnOldestUse(): void {
    this.#uses.setOldest(this.#file.statements.leastRecentlyUsed()?.used ?? this.#uses.stamp());
  }

  /**
   * Stores some of the rows from `start` on, after room was made for them, and tells what came of
   * each.
   */
  #putSome(rows: readonly Row[], start: number, hasTimeLeft: HasTimeLeft, holder: string | undefined): boolean[] {
    const { endLock, hasLock, put, removeKey, totalBytes } = this.#file.statements;
    const end = stepEnd(rows, start);
    const now = Date.now();
    const refused = new Set<Row>();
    for (let place = start; holder !== undefined && place < end; place += 1) {
      const row = rows[place] as Row;
      if (hasLock(row.key, holder) === undefined) refused.add(row);
    }
    const accepted = rows.slice(start, end).filter((row) => !refused.has(row));
    if (!this.#makeRoom(accepted, now, hasTimeLeft)) return [];
    const answers: boolean[] = [];
    do {
      const row = rows[start + answers.length] as Row;
      const { key, value, size, ttlMs } = row;
      const isStored = size <= this.#maxBytes && !refused.has(row);
      if (isStored) put(key, value, size, ttlMs === undefined ? null : now + ttlMs, this.#uses.stamp());
      else if (!refused.has(row)) removeKey(key, now);
      if (!refused.has(row)) endLock(key);
      answers.push(isStored);
    } while (start + answers.length < end && hasTimeLeft());
    // Where what was evicted was to be overwritten, its bytes were counted twice.
    while (totalBytes() > this.#maxBytes && this.#evictOne(now) !== undefined);
    this.learnOldestUse();
    return answers;
  }

  /** Evicts until `rows` fit. False: the step is over, and there is still more to evict. */
  #makeRoom(rows: readonly Row[], now: number, hasTimeLeft: HasTimeLeft): boolean {
    const { sizeOf, totalBytes } = this.#file.statements;
    const fitting = rows.filter(({ size }) => size <= this.#maxBytes);
    let excess = fitting.reduce((sum, { size }) => sum + size, totalBytes() - this.#maxBytes);
    if (excess <= 0) return true;
    for (const { key } of fitting) excess -= sizeOf(key) ?? 0;
    while (excess > 0) {
      const freed = this.#evictOne(now);
      // Rows that a broken file no longer has are in its sum for ever: better too much than an
      // endless loop.
      if (freed === undefined) return true;
      excess -= freed;
      if (!hasTimeLeft() && excess > 0) return false;
    }
    return true;
  }

  /**
   * How many bytes were freed: none where the row turned out to be used since. Undefined where
   * there is no row.
   */
  #evictOne(now: number): number | undefined {
    const { leastRecentlyUsed, removeExpired, removeId, touch } = this.#file.statements;
    const expired = removeExpired(now, now);
    if (expired) return expired.size;
    const row = leastRecentlyUsed();
    if (!row) return undefined;
    const used = this.#uses.of(row.id, row.used);
    if (used === undefined) return removeId(row.id, now)?.size;
    touch(used, row.id, used);
    return 0;
  }
}

function rowOf({ key, value, ttlMs }: BackendEntry): Row {
  return { key, value, size: ROW_OVERHEAD + Buffer.byteLength(key) + value.byteLength, ttlMs };
}

function stepEnd(rows: readonly Row[], start: number): number {
  let bytes = 0;
  let end = start;
  while (end < rows.length && bytes < STEP_BYTES) {
    bytes += (rows[end] as Row).size;
    end += 1;
  }
  return end;
}
