import type { Tiers } from '../wire.js';
import { byId, make, setText } from './dom.js';
import { count, percent } from './format.js';

const NAMES: Record<keyof Tiers, string> = {
  l1: 'In memory',
  queued: 'Being written',
  l2: 'In the store',
  missing: 'Not cached',
};

/** A bar of four parts, and a legend that tells the same in numbers. */
export class TiersBar {
  readonly #parts = new Map<keyof Tiers, { piece: HTMLElement; value: HTMLElement }>();

  constructor() {
    for (const [tier, name] of Object.entries(NAMES) as [keyof Tiers, string][]) {
      const piece = make('span');
      const swatch = make('span', { className: 'swatch' });
      piece.dataset.colour = swatch.dataset.colour = tier;
      const value = make('dd', {}, '0');
      byId('tiers-bar').append(piece);
      byId('tiers').append(make('div', {}, make('dt', {}, swatch, name), value));
      this.#parts.set(tier, { piece, value });
    }
  }

  show(tiers: Tiers): void {
    const all = Object.values(tiers).reduce((sum, keys) => sum + keys, 0);
    for (const [tier, { piece, value }] of this.#parts) {
      const share = all === 0 ? 0 : tiers[tier] / all;
      piece.style.flexGrow = String(share);
      piece.hidden = share === 0;
      setText(value, all === 0 ? '0' : `${count(tiers[tier])} (${percent(share)})`);
    }
  }
}
