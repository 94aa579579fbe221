import { BackendError, ClosedError } from '../../errors.js';
import { emit, quietly } from '../../events.js';
import { isError } from '../../realms.js';
import type { Logger } from '../options.js';
import type { StatsRecorder } from '../stats.js';

/** Counts, emits and logs what a backend could not do. Never throws. */
export class Failures {
  readonly #logger: Logger | undefined;
  #notStored = 0;

  constructor(logger: Logger | undefined) {
    this.#logger = logger;
  }

  /** Entries that could not be stored, so far. */
  get notStored(): number {
    return this.#notStored;
  }

  /**
   * @param recorder undefined where the failure belongs to no namespace
   * @param notStored entries that are, as far as is known, not stored for it
   */
  record(operation: string, error: unknown, recorder: StatsRecorder | undefined, notStored?: number): void {
    this.#notStored += notStored ?? 0;
    if (recorder !== undefined) recorder.stats.errors++;
    const lost = notStored === undefined ? {} : { notStored };
    const message = describeError(error);
    emit('failure', () => ({ namespace: recorder?.namespace, operation, error: message, ...lost }));
    quietly(() => this.#logger?.warn({ operation, error: message, ...lost }, `vecstash: cache ${operation} failed`));
  }
}

/**
 * What may be told of an error: a backend of somebody else's can put keys and values into its
 * messages.
 */
export function describeError(error: unknown): string {
  if (error instanceof BackendError || error instanceof ClosedError) return error.message;
  return isError(error) ? error.name : typeof error;
}
