import type { DashboardData, NamespaceFigures } from '../wire.js';
import { byId, draw, make, setText } from './dom.js';
import { bytes, count, duration, money, NOTHING, percent } from './format.js';

/** The round of a ring whose radius is 26. */
const ROUND = 2 * Math.PI * 26;
const circle = () => draw('circle', { cx: 30, cy: 30, r: 26 });
const ring = draw('svg', { class: 'ring', viewBox: '0 0 60 60', 'aria-hidden': 'true' }, circle(), circle());
const tiles = new Map<string, { value: HTMLElement; note: HTMLElement }>();

function tile(title: string, value: string, note: string): void {
  let parts = tiles.get(title);
  if (parts === undefined) {
    parts = { value: make('dd'), note: make('dd', 'note') };
    const element = make('div', '', make('dt', '', title), parts.value, parts.note);
    if (tiles.size === 0) element.append(ring);
    tiles.set(title, parts);
    byId('tiles').append(element);
  }
  setText(parts.value, value);
  setText(parts.note, note);
}

export function showTiles({ namespaces, lookup, model, currency, isPriced }: DashboardData): void {
  const sum = (of: (figures: NamespaceFigures) => number | null) =>
    namespaces.reduce<number | null>((total, figures) => {
      const value = of(figures);
      return value === null ? total : (total ?? 0) + value;
    }, null);
  const hits = sum((figures) => figures.hits) ?? 0;
  const misses = sum((figures) => figures.misses) ?? 0;
  const all = hits + misses;
  tile(
    'Hit rate',
    percent(hits, misses),
    all ? `${count(hits)} of ${count(all)} keys came from the cache` : 'no lookup yet',
  );
  ring.lastElementChild?.setAttribute('stroke-dasharray', `${all ? (ROUND * hits) / all : 0} ${2 * ROUND}`);

  const moneySaved = sum((figures) => figures.moneySaved);
  const tokensSaved = sum((figures) => figures.tokensSaved);
  if (isPriced) {
    const tokens =
      tokensSaved === null
        ? 'the model has not reported tokens yet'
        : `${count(tokensSaved)} tokens, estimated where records tell none`;
    tile('Money saved', moneySaved === null ? NOTHING : money(moneySaved, currency), tokens);
  } else if (tokensSaved !== null) {
    tile('Tokens saved', count(tokensSaved), 'estimated where records tell none');
  }
  const timeSaved = sum((figures) => figures.timeSaved);
  tile(
    'Model time saved',
    duration(timeSaved),
    timeSaved === null ? 'no model call seen yet' : 'estimated from the mean call',
  );
  tile('Lookup time', duration(lookup.p50), `median; 95th percentile ${duration(lookup.p95)}`);
  tile(
    'Model calls',
    count(model.calls),
    model.calls ? `for ${count(model.inputs)} inputs; median ${duration(model.p50)}` : NOTHING,
  );
  const read = sum((figures) => figures.bytesRead) ?? 0;
  tile('Bytes read', bytes(read), `${bytes(sum((figures) => figures.bytesWritten) ?? 0)} written`);
}
