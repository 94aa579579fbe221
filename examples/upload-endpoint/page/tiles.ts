import type { Snapshot } from '../wire.js';
import { byId, setText } from './dom.js';
import { bytes, count, milliseconds, money, NOTHING, percent, plural } from './format.js';

/** A tile's number, and the line under it. */
function tile(id: string, value: string, note?: string): void {
  setText(byId(id), value);
  if (note !== undefined) setText(byId(`${id}-note`), note);
}

export function showTiles(snapshot: Snapshot): void {
  const { hits, misses, hitRate, point, bytes: taken, uploads } = snapshot;
  if (hitRate === null) {
    tile('hit-rate', NOTHING, 'no lookup yet');
  } else {
    const recent = point.hitRate === null ? '' : `; last minute ${percent(point.hitRate)}`;
    tile('hit-rate', percent(hitRate), `${count(hits)} of ${plural(hits + misses, 'lookup')}${recent}`);
  }
  const isIdle = point.p50 === null;
  tile(
    'latency',
    milliseconds(point.p50),
    isIdle ? 'none in the last minute' : `median of the last minute; 95th percentile ${milliseconds(point.p95)}`,
  );
  if (taken.raw === 0) {
    tile('saved', NOTHING, 'no vector read yet');
  } else {
    const saved = Math.max(0, taken.raw - taken.read);
    tile(
      'saved',
      bytes(saved),
      `${percent(saved / taken.raw)} less: ${bytes(taken.read)} read for ${bytes(taken.raw)}`,
    );
  }
  showSavings(snapshot);
  const { answered, refused, failed } = uploads;
  tile('uploads', count(answered), `${refused || 'none'} refused, ${failed || 'none'} failed`);
  document.title = hitRate === null ? 'vecstash: upload endpoint' : `${percent(hitRate)} hits, vecstash`;
}

/** What the model did not have to do: in money where there is a price, else in tokens. */
function showSavings({ tokensSaved, moneySaved }: Snapshot): void {
  setText(byId('cost-title'), moneySaved === null ? 'Tokens saved' : 'Money saved');
  if (tokensSaved === null) tile('cost', NOTHING, 'the model has not reported tokens yet');
  else if (moneySaved === null) tile('cost', count(tokensSaved), 'estimated from the mean text so far');
  else tile('cost', money(moneySaved), `for ${plural(Math.round(tokensSaved), 'token')}, estimated`);
}
