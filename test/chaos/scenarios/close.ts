import { countLosses } from '../../support/chaos-events.js';
import { isHosted } from '../../support/chaos-hosted.js';
import { openChecked, partsOf, textsOf } from '../../support/chaos-namespace.js';
import { type StoreName, startStore } from '../../support/chaos-stores.js';
import { NONE_REJECTED, NONE_WRONG, type Play, type Scenario } from '../scenario.js';

const STORES = ['sqlite', 'redis url', 'redis own client', 'hybrid', 'hybrid write-behind'] as const;

/** Behind what stands in for them on this machine, which is slow: in the long form only. */
const HOSTED = ['upstash', 'dynamodb', 'cloudflare kv'] as const;

/**
 * What a program that embeds everything and ends has paid for lies in the store when `close` has resolved, or is named: what was lost
 * before it was called by the `failure` event, what is lost from then on by its error as well.
 */
export const close: Scenario = {
  name: 'close',
  about: 'embed of 10,000 texts of 1536 dimensions, then close: what is neither stored nor named',
  onBothEngines: true,
  variants: [...STORES, ...HOSTED].flatMap((name) =>
    ([96, 10_000] as const).map((batchSize) => ({
      name: `${name}, batches of ${batchSize}`,
      isLongOnly: batchSize === 96 || isHosted(name),
      goals: [NONE_WRONG, NONE_REJECTED, { figure: 'lost', atMost: 0 }],
      play: (play: Play) => embedThenClose(name, batchSize, play),
    })),
  ),
};

async function embedThenClose(name: StoreName, batchSize: number, { pick }: Play) {
  const [count, dimensions] = pick([10_000, 1536], [4000, 1536]);
  const texts = textsOf('paid', count);
  const store = await startStore(name);
  const losses = countLosses();
  const writer = openChecked({ cache: { backend: await store.open() }, dimensions, batchSize });
  await writer.embed(texts);
  const start = performance.now();
  const byClose = await writer.cache.close().then(() => 0, lostBy);
  const named = Math.max(byClose, losses.told);
  losses.stop();
  const closed = performance.now() - start;
  const reader = openChecked({ cache: { backend: await store.open(), readTimeout: '30s' }, dimensions });
  let found = 0;
  for (const part of partsOf(texts, 200)) found += (await reader.found(part)).length;
  await reader.cache.close();
  await store.stop();
  const wrong = writer.tally.wrong + reader.tally.wrong;
  const missing = count - found;
  return {
    texts: count,
    missing,
    named,
    lost: missing - named,
    wrong,
    rejected: writer.tally.rejected,
    closeMs: closed,
  };
}

/** How many entries `close` says that it could not store. */
function lostBy(error: Error): number {
  return Number(/(\d+) entries could not be stored/.exec(error.message)?.[1] ?? 0);
}
