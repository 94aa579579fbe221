import { MAX_TIMER_MS } from '../../async/timeout.js';
import { clearInterval, setInterval, sleep } from '../../runtime.js';
import { LOCK_GRACE } from '../locks.js';
import type { SqliteFile } from './file.js';
import type { GoesOn } from './turns.js';
import type { Uses } from './uses.js';

/** Between two steps, in milliseconds: a long sweep takes about a quarter of a core. */
const PAUSE = 10;

/** What may be free in the file: a share of it, or so many bytes where that is more. The rest is given back, and all of it where the disk is full. */
const FREE_SHARE = 1 / 4;
const FREE_BYTES = 16 * 2 ** 20;

/** Pages given back between two looks at the clock. */
const SHRINK_PAGES = 4;

/** Runs `step` each `interval` until it says that there is no more to do, or fails. Keeps no process alive. */
export class Sweep {
  readonly #step: () => Promise<boolean>;
  readonly #timer: NodeJS.Timeout;
  #isRunning = false;
  #isStopped = false;

  constructor(interval: number, step: () => Promise<boolean>) {
    this.#step = step;
    this.#timer = setInterval(() => void this.#run(), Math.min(interval, MAX_TIMER_MS)).unref();
  }

  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (!this.#isStopped && (await this.#step())) await sleep(PAUSE, { ref: false });
    } catch {
      // Whatever it is, the calls tell of it.
    } finally {
      this.#isRunning = false;
    }
  }
}

/** One step of a sweep, inside a transaction: what is over goes, then uses are stored, then free pages given back. */
export function sweepSome(file: SqliteFile, uses: Uses, goesOn: GoesOn): boolean {
  const now = Date.now();
  while (file.statements.removeExpired(now, now)) if (!goesOn()) return true;
  while (file.statements.removeEndedLease(now)) if (!goesOn()) return true;
  while (file.statements.removeEndedLock(now - LOCK_GRACE)) if (!goesOn()) return true;
  if (!storeUses(file, uses, goesOn)) return true;
  while (isTooEmpty(file)) {
    file.shrink(SHRINK_PAGES);
    if (!goesOn()) return true;
  }
  return false;
}

/** False where some are left. */
export function storeUses(file: SqliteFile, uses: Uses, goesOn: GoesOn): boolean {
  for (let use = uses.take(); use; use = uses.take()) {
    const [id, stamp] = use;
    file.statements.touch(stamp, id, stamp);
    if (!goesOn()) return false;
  }
  return true;
}

function isTooEmpty({ statements, canShrink, isDiskFull }: SqliteFile): boolean {
  if (!canShrink) return false;
  const free = statements.freePages();
  if (isDiskFull) return free > 0;
  return free > statements.pages() * FREE_SHARE && free * statements.pageSize() > FREE_BYTES;
}
