import { setTimeout as sleep } from 'node:timers/promises';
import { until } from '../../../src/testing/until.js';
import { openChecked, textsOf } from '../../support/chaos-namespace.js';
import { applicationCommands } from '../../support/chaos-redis-stats.js';
import { startStore } from '../../support/chaos-stores.js';
import type { RedisServer } from '../../support/redis-server.js';
import { NONE_REJECTED, NONE_WRONG, type Play, type Scenario } from '../scenario.js';

const DIMENSIONS = 64;
/** 5000 keys a second. */
const BATCH = 100;
const EVERY = 20;
const MIB = 2 ** 20;

const STORES = ['redis url', 'redis own client'] as const;
const OUTAGES = ['killed', 'frozen'] as const;

/** A server that is away for a while is not fed: neither this process's memory nor the server's first seconds pay for it. */
export const outage: Scenario = {
  name: 'outage',
  about: 'Redis away for 60 s under 5,000 new keys a second: memory, and the commands when it is back',
  variants: STORES.flatMap((name) =>
    OUTAGES.map((kind) => ({
      name: `${name}, ${kind}`,
      goals: [
        NONE_WRONG,
        NONE_REJECTED,
        { figure: 'grownMiB', atMost: 64 },
        { figure: 'commandsRatio', atMost: 1.2 },
        { figure: 'commandsAfter', atLeast: 1 },
      ],
      play: (play: Play) => outageOf(name, kind, play),
    })),
  ),
};

async function outageOf(name: (typeof STORES)[number], kind: (typeof OUTAGES)[number], { pick }: Play) {
  const store = await startStore(name);
  const server = store.server as RedisServer;
  const { cache, embed, tally } = openChecked({ cache: { backend: await store.open() }, dimensions: DIMENSIONS });
  const load = startLoad(embed);
  const window = pick(5000, 1500);
  await sleep(window);
  const before = await commandsOf(server.url, load, window);

  gc();
  const baseline = process.memoryUsage().rss;
  let most = baseline;
  const watch = setInterval(() => {
    gc();
    most = Math.max(most, process.memoryUsage().rss);
  }, 500);
  if (kind === 'killed') await server.kill();
  else server.pause();
  await sleep(pick(60_000, 6000));
  clearInterval(watch);

  // A server that was killed counts from nothing.
  const known = kind === 'killed' ? 0 : before.total;
  const calls = load.calls;
  if (kind === 'killed') await server.restart();
  else server.resume();
  await until('the server is used again', async () => (await cache.health()).ok);
  await sleep(window);
  const commandsAfter = (await applicationCommands(server.url)) - known;
  const perCall = commandsAfter / (load.calls - calls);
  await load.stop();
  await cache.close();
  await store.stop();
  return {
    ...tally,
    grownMiB: (most - baseline) / MIB,
    commandsBefore: before.perCall,
    commandsAfter: perCall,
    commandsRatio: perCall / before.perCall,
  };
}

/** Commands for each call of the load, over a while. */
async function commandsOf(url: string, load: Load, window: number) {
  const [calls, commands] = [load.calls, await applicationCommands(url)];
  await sleep(window);
  const total = await applicationCommands(url);
  return { total, perCall: (total - commands) / (load.calls - calls) };
}

interface Load {
  readonly calls: number;
  stop(): Promise<void>;
}

/** Asks for new texts at a fixed rate, whatever becomes of the calls before. */
function startLoad(embed: (texts: string[]) => Promise<unknown>): Load {
  const open = new Set<Promise<unknown>>();
  let calls = 0;
  const timer = setInterval(() => {
    const call = embed(textsOf('new', BATCH, calls * BATCH)).finally(() => open.delete(call));
    open.add(call);
    calls += 1;
  }, EVERY);
  return {
    get calls() {
      return calls;
    },
    async stop() {
      clearInterval(timer);
      await Promise.all(open);
    },
  };
}

/** Node is started with --expose-gc: what is no longer used is not to count. */
function gc(): void {
  globalThis.gc?.();
}
