import { clearInterval, setInterval, sleep } from '../../runtime.js';
import { LOCK_GRACE } from '../shell/locks.js';
import type { SqliteFile } from './file/file.js';
import type { HasTimeLeft } from './file/time-slicer.js';
import type { Uses } from './uses.js';

/** Between two steps, in milliseconds: a long sweep takes about a quarter of a core. */
const PAUSE = 10;

/**
 * What may be free in the file: a share of it, or so many bytes where that is more. The rest is
 * given back, and all of it where the disk is full.
 */
const FREE_SHARE = 1 / 4;
const FREE_BYTES = 16 * 2 ** 20;

/** Pages given back between two looks at the clock. */
const SHRINK_PAGES = 4;

/**
 * Runs `step` each `interval` until it says that there is no more to do, or fails. Keeps no process
 * alive.
 */
export class Sweep {
  readonly #step: () => Promise<boolean>;
  readonly #timer: NodeJS.Timeout;
  #isRunning = false;
  #lastStep: Promise<unknown> = Promise.resolve();
  #isStopped = false;

  constructor(interval: number, step: () => Promise<boolean>) {
    this.#step = step;
    this.#timer = setInterval(() => void this.#run(), interval).unref();
  }

  /** Begins no more steps. */
  stop(): void {
    this.#isStopped = true;
    clearInterval(this.#timer);
  }

  /** Resolves when the step that is under way has ended. */
  async ended(): Promise<void> {
    await this.#lastStep.catch(() => {});
  }

  async #run(): Promise<void> {
    if (this.#isRunning) return;
    this.#isRunning = true;
    try {
      while (!this.#isStopped) {
        const step = this.#step();
        this.#lastStep = step;
        if (!(await step)) return;
        await sleep(PAUSE, { ref: false });
      }
    } catch {
      // Calls reject with whatever is wrong.
    } finally {
      this.#isRunning = false;
    }
  }
}

/**
 * One step of a sweep, inside a transaction: what is over goes, then uses are stored, then free
 * pages given back.
 */
export function sweepSome(file: SqliteFile, uses: Uses, hasTimeLeft: HasTimeLeft): boolean {
  const now = Date.now();
  while (file.statements.removeExpired(now, now)) if (!hasTimeLeft()) return true;
  while (file.statements.removeEndedLease(now)) if (!hasTimeLeft()) return true;
  while (file.statements.removeEndedLock(now - LOCK_GRACE)) if (!hasTimeLeft()) return true;
  if (!storeUses(file, uses, hasTimeLeft)) return true;
  while (isTooEmpty(file)) {
    file.shrink(SHRINK_PAGES);
    if (!hasTimeLeft()) return true;
  }
  return false;
}

/** False where some are left. */
export function storeUses(file: SqliteFile, uses: Uses, hasTimeLeft: HasTimeLeft): boolean {
  for (let use = uses.take(); use; use = uses.take()) {
    const [id, stamp] = use;
    file.statements.touch(stamp, id, stamp);
    if (!hasTimeLeft()) return false;
  }
  return true;
}

function isTooEmpty({ statements, canShrink, isDiskFull }: SqliteFile): boolean {
  if (!canShrink) return false;
  const free = statements.freePages();
  if (isDiskFull) return free > 0;
  return free > statements.pages() * FREE_SHARE && free * statements.pageSize() > FREE_BYTES;
}
