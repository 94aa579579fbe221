import { withTimeout } from '../../async/timeout.js';
import type { CacheBackend } from '../../backends/backend.js';
import type { Change } from '../../backends/change.js';
import { BackendError } from '../../errors.js';
import { emit } from '../../events.js';
import type { StatsRecorder } from '../stats.js';
import type { ChangeOrder } from './change-order.js';
import type { Failures } from './failures.js';

/** How long a removal may take, in milliseconds: a clear goes over a whole store. */
const REMOVAL_TIMEOUT = 600_000;

/**
 * Removes records, each in its place in the order of events. Rejects where the backend does: a lost
 * invalidation must be known.
 */
export class Invalidation {
  readonly #backend: CacheBackend;
  readonly #order: ChangeOrder;
  readonly #failures: Failures;

  constructor(backend: CacheBackend, order: ChangeOrder, failures: Failures) {
    this.#backend = backend;
    this.#order = order;
    this.#failures = failures;
  }

  /** Removes keys, and tells how many there were. */
  delete(keys: readonly string[], recorder: StatsRecorder): Promise<number> {
    return this.#run('delete', { keys }, () => this.#backend.deleteMany(keys), recorder);
  }

  /** Removes all keys under a prefix, and tells how many there were. */
  clear(prefix: string, recorder: StatsRecorder | undefined): Promise<number> {
    return this.#run('clear', { prefix }, () => this.#backend.clear(prefix), recorder);
  }

  async #run(
    operation: 'delete' | 'clear',
    change: Change,
    call: () => Promise<number>,
    recorder: StatsRecorder | undefined,
  ): Promise<number> {
    const startedAt = performance.now();
    const report = (entries: number, ok: boolean) =>
      emit('write', () => {
        const durationMs = performance.now() - startedAt;
        return { namespace: recorder?.namespace, operation, entries, bytes: 0, durationMs, ok };
      });
    const place = this.#order.enterChange(change);
    try {
      // What is being written must not arrive after the removal: not every backend keeps the order.
      await place.before;
      const error = () =>
        new BackendError(`the backend did not answer a ${operation} within ${REMOVAL_TIMEOUT / 1000} s`);
      const count = await withTimeout(call, { timeoutMs: REMOVAL_TIMEOUT, error });
      report(count, true);
      return count;
    } catch (error) {
      report(0, false);
      this.#failures.record(operation, error, recorder);
      throw error;
    } finally {
      place.end();
    }
  }
}
