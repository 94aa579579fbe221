/**
 * How many reads each of two generations notes. Past both the oldest are forgotten, which only
 * makes eviction less exact.
 */
const GENERATION = 8192;

/**
 * A row counts as used just now while it is in the newest eighth of the time that the rows' uses
 * span.
 */
const NEWEST_SHARE = 1 / 8;

/**
 * Reads write nothing: their uses are noted here, by row id, and stored later. A use that would
 * hardly change the order of eviction is not noted at all, for each costs a page to store: so a row
 * is written anew for its uses at most 8 times in the time from its write to its eviction, however
 * often it is read.
 */
export class Uses {
  // Generations, because a Map whose first entry is deleted again and again gets slow.
  #recent = new Map<number, number>();
  #older = new Map<number, number>();
  #left = this.#older.entries();
  #last = 0;
  #oldest = 0;

  /**
   * Microseconds of the wall clock, comparable across processes, and always growing in this one.
   */
  stamp(): number {
    this.#last = Math.max(this.#last + 1, Date.now() * 1000);
    return this.#last;
  }

  /** Tells the use that lies back the furthest. */
  setOldest(used: number): void {
    this.#oldest = used;
  }

  /** A row was read at `stamp` that was used at `used` as far as the file tells. */
  note(id: number, used: number, stamp: number): void {
    if (used > stamp - (stamp - this.#oldest) * NEWEST_SHARE) return;
    this.#recent.set(id, stamp);
    if (this.#recent.size === GENERATION) this.#nextGeneration();
  }

  /**
   * What was noted for a row that the file says was used at `used`. Undefined where no later use is
   * known.
   */
  of(id: number, used: number): number | undefined {
    const stamp = this.#recent.get(id) ?? this.#older.get(id);
    return stamp !== undefined && stamp > used ? stamp : undefined;
  }

  /** Takes a note to store it, the older ones first. */
  take(): [id: number, stamp: number] | undefined {
    let { value } = this.#left.next();
    if (value === undefined) {
      this.#nextGeneration();
      value = this.#left.next().value;
    }
    return value;
  }

  /** Forgets all, since row ids have another meaning now. */
  clear(): void {
    this.#nextGeneration();
    this.#nextGeneration();
    this.#oldest = 0;
  }

  #nextGeneration(): void {
    this.#older = this.#recent;
    this.#recent = new Map();
    this.#left = this.#older.entries();
  }
}
