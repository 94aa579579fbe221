import type { Snapshot } from '../wire.js';
import { byId, setText } from './dom.js';
import { bytes, count, milliseconds, percent, plural } from './format.js';

/** A tile's number, and the line under it. */
function tile(id: string, value: string, note?: string): void {
  setText(byId(id), value);
  if (note !== undefined) setText(byId(`${id}-note`), note);
}

export function showTiles({ hits, misses, hitRate, point, bytes: taken, tokensSaved, uploads }: Snapshot): void {
  if (hitRate !== null) {
    const recent = point.hitRate === null ? '' : `; last minute ${percent(point.hitRate)}`;
    tile('hit-rate', percent(hitRate), `${count(hits)} of ${plural(hits + misses, 'lookup')}${recent}`);
  }
  const isIdle = point.p50 === null;
  tile(
    'latency',
    milliseconds(point.p50),
    isIdle ? 'none in the last minute' : `median of the last minute; 95 % within ${milliseconds(point.p95)}`,
  );
  if (taken.raw > 0) {
    const saved = Math.max(0, taken.raw - taken.read);
    tile(
      'saved',
      bytes(saved),
      `${percent(saved / taken.raw)} less: ${bytes(taken.read)} read for ${bytes(taken.raw)}`,
    );
  }
  if (tokensSaved !== null) tile('tokens', count(tokensSaved), 'by the mean of an input so far');
  const { answered, refused, failed } = uploads;
  tile('uploads', count(answered), `${refused || 'none'} refused, ${failed || 'none'} failed`);
  document.title = hitRate === null ? 'vecstash: upload endpoint' : `${percent(hitRate)} hits, vecstash`;
}
