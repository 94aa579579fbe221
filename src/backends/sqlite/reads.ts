import { BackendError, type VecstashError } from '../../errors.js';
import { isUint8Array } from '../../realms.js';
import type { RawReadContext } from '../shell/raw-store.js';
import type { SqliteFile } from './file/file.js';
import type { HasTimeLeft } from './file/time-slicer.js';
import type { Uses } from './uses.js';

type Values = (Uint8Array | undefined)[];

/**
 * Reads records in steps, and notes their uses. A key whose page is damaged, and whatever has not
 * been read when the context's signal is aborted, is undefined and told as a partial failure.
 * Rejects where nothing was read.
 */
export async function readRecords(
  file: SqliteFile,
  uses: Uses,
  keys: readonly string[],
  context: RawReadContext,
): Promise<Values> {
  const values: Values = new Array(keys.length).fill(undefined);
  const read = new Reading(file, uses, keys, values);
  await untilAborted(read.run(context), context.signal);
  const failure = read.end();
  if (failure === undefined) return values;
  if (read.answered === 0) throw failure;
  context.onPartialFailure(failure);
  return values;
}

/** Waits for work that does not reject, as long as the signal is not aborted. */
async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  let leave = () => {};
  const aborted = new Promise<void>((resolve) => {
    leave = resolve;
  });
  signal.addEventListener('abort', leave);
  if (signal.aborted) leave();
  await Promise.race([work, aborted]);
  signal.removeEventListener('abort', leave);
}

class Reading {
  /** How many keys were read, whether there was a record or not. */
  answered = 0;
  readonly #file: SqliteFile;
  readonly #uses: Uses;
  readonly #keys: readonly string[];
  readonly #values: Values;
  readonly #stamp: number;
  #next = 0;
  #isEnded = false;
  #failure: VecstashError | undefined;

  constructor(file: SqliteFile, uses: Uses, keys: readonly string[], values: Values) {
    this.#file = file;
    this.#uses = uses;
    this.#keys = keys;
    this.#values = values;
    this.#stamp = uses.stamp();
  }

  /** Does not reject. */
  async run(context: RawReadContext): Promise<void> {
    try {
      while (this.#next < this.#keys.length && !this.#isEnded && !context.signal.aborted) {
        await this.#file.read((hasTimeLeft) => this.#readSome(hasTimeLeft));
        if (!this.#isEnded) context.onProgress?.();
      }
    } catch (error) {
      this.#failure ??= error as VecstashError;
    }
  }

  /** Nothing is read any more. Tells what failed, or that not all was read. */
  end(): VecstashError | undefined {
    this.#isEnded = true;
    if (this.#next < this.#keys.length) {
      this.#failure ??= new BackendError('SQLite: the read was given up before all keys were read');
    }
    return this.#failure;
  }

  #readSome(hasTimeLeft: HasTimeLeft): void {
    // Its turn came after it was given up.
    if (this.#isEnded) return;
    const { read } = this.#file.statements;
    const now = Date.now();
    let place = this.#next;
    let answered = 0;
    do {
      try {
        const row = read(this.#keys[place] as string, now);
        answered += 1;
        // Whatever else is there was not stored by us.
        if (isUint8Array(row?.value)) {
          this.#values[place] = row.value;
          this.#uses.note(row.id, row.used, this.#stamp);
        }
      } catch (error) {
        // A damaged page has these keys and no others.
        this.#failure ??= this.#file.readFailure(error);
      }
      place += 1;
    } while (place < this.#keys.length && hasTimeLeft());
    this.#next = place;
    this.answered += answered;
  }
}
