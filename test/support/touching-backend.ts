import type { BackendTouch } from '../../src/backends/backend.js';
import { MoodyBackend } from './moody-backend.js';

/** A `MoodyBackend` whose TTLs can be lengthened, without locks. Touches fail in its bad mood. */
export class TouchingBackend extends MoodyBackend {
  readonly touches: BackendTouch[][] = [];

  async touchMany(entries: readonly BackendTouch[]): Promise<void> {
    this.touches.push([...entries]);
    if (this.mood === 'fails') throw new Error('in a bad mood');
    return this.store.touchMany(entries);
  }
}
