/**
 * An instance of an application, in a process of its own that can be frozen and killed: `chaos-process.ts SETTINGS`, a JSON of
 * `ProcessSettings`. The parent's calls come as messages, see chaos-instance.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { RedisBackend } from '../../src/backends/redis/redis.js';
import type { ProcessCall, ProcessSettings } from './chaos-instance.js';
import { openChecked } from './chaos-namespace.js';
import { opened } from './chaos-store.js';
import { hybridOver } from './chaos-stores.js';

const { url, kind, thinkMs, dimensions } = JSON.parse(process.argv[2] as string) as ProcessSettings;
process.on('disconnect', () => process.exit(1));

const backend = await opened(kind === 'redis' ? new RedisBackend(url) : hybridOver(url));
const { cache, embed, found, tally } = openChecked({
  cache: { backend },
  dimensions,
  batchSize: 1000,
  think: async (texts) => {
    process.send?.({ asked: texts });
    await sleep(thinkMs);
    if (freezeMs === undefined) return;
    setTimeout(freeze, freezeMs);
    freezeMs = undefined;
  },
});

let freezeMs: number | undefined;

function freeze(): void {
  process.send?.({ freezing: true });
  process.kill(process.pid, 'SIGSTOP');
}

process.on('message', async ({ id, method, texts, freezeAfterMs }: ProcessCall) => {
  freezeMs = freezeAfterMs ?? freezeMs;
  if (method === 'embed') await embed(texts);
  if (method === 'close') await cache.close();
  process.send?.({ id, found: method === 'found' ? await found(texts) : [], tally });
  if (method === 'close') process.disconnect();
});
process.send?.({ ready: true });
