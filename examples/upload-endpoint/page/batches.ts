import type { Batch } from '../wire.js';
import { byId, make } from './dom.js';
import { clock, count, milliseconds, plural } from './format.js';

let newest: number | undefined;
const none = [...byId('batches').children];

/** The last uploads as rows, made anew where there is a new one. */
export function showBatches(batches: readonly Batch[]): void {
  const first = batches[0]?.id;
  if (first === newest) return;
  newest = first;
  if (first === undefined) {
    byId('batches').replaceChildren(...none);
    return;
  }
  byId('batches').replaceChildren(
    ...batches.map(({ at, kind, count: many, hits, misses, durationMs }) =>
      make(
        'tr',
        {},
        make('td', {}, clock(at)),
        make('td', {}, kind === 'texts' ? plural(many, 'text') : plural(many, 'image')),
        make('td', { className: 'number' }, count(hits)),
        make('td', { className: 'number' }, count(misses)),
        make('td', { className: 'number' }, milliseconds(durationMs)),
      ),
    ),
  );
}
