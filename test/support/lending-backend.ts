import type { BackendTouch } from '../../src/backends/backend.js';
import { MoodyBackend } from './moody-backend.js';

/** A `MoodyBackend` with both optional capabilities. Touches fail in its bad mood; leases are those of its store. */
export class LendingBackend extends MoodyBackend {
  readonly touches: BackendTouch[][] = [];
  readonly leases = this.store.leases;

  async touchMany(entries: readonly BackendTouch[]): Promise<void> {
    this.touches.push([...entries]);
    if (this.mood === 'fails') throw new Error('in a bad mood');
    return this.store.touchMany(entries);
  }
}
