import type { BackendLocks, BackendTouch } from '../../src/backends/backend.js';
import { MoodyBackend } from './moody-backend.js';

/**
 * A `MoodyBackend` with the optional capabilities. Touches, and writes under locks, fail in its bad mood; leases and locks are those of
 * its store.
 */
export class LendingBackend extends MoodyBackend {
  readonly touches: BackendTouch[][] = [];
  readonly leases = this.store.leases;
  readonly locks: BackendLocks = {
    ...this.store.locks,
    setMany: async (entries, holder) => {
      if (this.mood === 'fails') throw new Error('in a bad mood');
      return this.store.locks.setMany(entries, holder);
    },
  };

  async touchMany(entries: readonly BackendTouch[]): Promise<void> {
    this.touches.push([...entries]);
    if (this.mood === 'fails') throw new Error('in a bad mood');
    return this.store.touchMany(entries);
  }
}
