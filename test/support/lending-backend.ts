import type { BackendLocks } from '../../src/backends/backend.js';
import { TouchingBackend } from './touching-backend.js';

/**
 * A `MoodyBackend` with the optional capabilities. Touches, and writes under locks, fail in its bad mood; leases and locks are those of
 * its store.
 */
export class LendingBackend extends TouchingBackend {
  readonly leases = this.store.leases;
  readonly locks: BackendLocks = {
    ...this.store.locks,
    setMany: async (entries, holder) => {
      if (this.mood === 'fails') throw new Error('in a bad mood');
      return this.store.locks.setMany(entries, holder);
    },
  };
}
