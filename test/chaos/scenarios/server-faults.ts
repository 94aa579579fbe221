import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { RedisBackend } from '../../../src/backends/redis/redis.js';
import { until } from '../../../src/testing/until.js';
import { type Checked, openChecked, partsOf, store, textsOf } from '../../support/chaos-namespace.js';
import { SERVER_FAULTS, type ServerFault, type Target } from '../../support/chaos-server-faults.js';
import { opened } from '../../support/chaos-store.js';
import { hybridOver, ownClient } from '../../support/chaos-stores.js';
import { startTls } from '../../support/chaos-tls.js';
import { startRedis } from '../../support/redis-server.js';
import { startRespProxy } from '../../support/resp-proxy.js';
import { type Goal, NONE_REJECTED, NONE_WRONG, type Play, type Scenario } from '../scenario.js';

const DIMENSIONS = 64;
/** Milliseconds. */
const READ_TIMEOUT = 250;
const BATCH = 20;

const KINDS = ['redis url', 'redis own client', 'hybrid'] as const;
type Kind = (typeof KINDS)[number];

const GOALS: readonly Goal[] = [
  NONE_WRONG,
  NONE_REJECTED,
  // Otherwise the fault was none.
  { figure: 'errors', atLeast: 1 },
  { figure: 'neverBack', atMost: 0 },
  { figure: 'slowestMs', atMost: READ_TIMEOUT + 25, isTime: true },
];

/** Whatever becomes of the server, `embed` answers what is right, in time, and the server is used again when it is back. */
export const serverFaults: Scenario = {
  name: 'server-faults',
  about: 'Redis killed, frozen, unreachable, full, read-only, loading, or refusing, under load',
  variants: [
    ...KINDS.flatMap((kind) =>
      SERVER_FAULTS.map((fault) => ({
        name: `${fault.name}, ${kind}`,
        isLongOnly: kind !== 'redis url',
        goals: fault.isRead ? [...GOALS, { figure: 'storedPaid', atMost: 0, isTime: true }] : GOALS,
        play: (play: Play) => playFault(fault, kind, play),
      })),
    ),
    {
      name: 'TLS that is not trusted',
      goals: [NONE_WRONG, NONE_REJECTED, { figure: 'untold', atMost: 0 }],
      play: playTls,
    },
  ],
};

async function playFault(fault: ServerFault, kind: Kind, play: Play) {
  const server = await startRedis({ args: fault.args ?? [] });
  const proxy = await startRespProxy(Number(new URL(server.url).port));
  const admin = new Redis(server.url, { maxRetriesPerRequest: 0 });
  admin.on('error', () => {});
  const stored = partsOf(textsOf('stored', 200), BATCH);
  await store({ backend: await opened(new RedisBackend(server.url)) }, stored.flat(), DIMENSIONS);
  const clients: Redis[] = [];
  const backend = await opened(open(kind, proxy.url, clients));
  const target: Target = { server, proxy, admin };
  const checked = openChecked({ cache: { backend, readTimeout: READ_TIMEOUT }, dimensions: DIMENSIONS });
  const figures = { times: 0, neverBack: 0, storedPaid: 0, slowestMs: 0 };
  const times = play.pick(...(fault.times ?? [3, 1]));
  for (let time = 0; time < times; time += 1) {
    const load = startLoad(checked, stored, `${fault.name} ${time}`);
    await sleep(play.random.whole(20, 80));
    await fault.begin(target);
    await sleep(play.pick(3000, 700));
    const { slowestMs, storedPaid } = await load.stop();
    await fault.end(target);
    figures.times += 1;
    figures.slowestMs = Math.max(figures.slowestMs, slowestMs);
    figures.storedPaid += storedPaid;
    if (!(await isUsedAgain(checked, `${fault.name} again ${time}`))) figures.neverBack += 1;
    // What a server that was killed has lost is there again before the next time.
    for (const batch of stored) await checked.embed(batch);
  }
  const errors = checked.cache.stats().chaos?.errors ?? 0;
  await checked.cache.close().catch(() => {});
  for (const client of [admin, ...clients]) client.disconnect();
  await proxy.stop();
  await server.stop();
  return { ...figures, errors, ...checked.tally };
}

function open(kind: Kind, url: string, clients: Redis[]) {
  if (kind === 'hybrid') return hybridOver(url);
  return kind === 'redis url' ? new RedisBackend(url) : new RedisBackend(ownClient(url, clients));
}

/** Two callers: one asks for what is stored, one for what is new. */
function startLoad({ embed, tally }: Checked, stored: string[][], name: string) {
  let isOver = false;
  let slowestMs = 0;
  let newTexts = 0;
  const paid = tally.paid;
  const ask = async (texts: string[]) => {
    const start = performance.now();
    await embed(texts);
    slowestMs = Math.max(slowestMs, performance.now() - start);
    await sleep(2);
  };
  const askForStored = async () => {
    for (let index = 0; !isOver; index += 1) await ask(stored[index % stored.length] as string[]);
  };
  const askForNew = async () => {
    for (; !isOver; newTexts += BATCH) await ask(textsOf(name, BATCH, newTexts));
  };
  const callers = Promise.all([askForStored(), askForNew()]);
  return {
    async stop() {
      isOver = true;
      await callers;
      return { slowestMs, storedPaid: tally.paid - paid - newTexts };
    },
  };
}

/** Whether something new is stored and found again. */
async function isUsedAgain({ embed, tally }: Checked, name: string): Promise<boolean> {
  const texts = textsOf(name, BATCH);
  const isHit = async () => {
    const before = tally.paid;
    await embed(texts);
    return tally.paid === before;
  };
  return until('the server is used again', isHit).then(
    () => true,
    () => false,
  );
}

/** The connection is refused, and nothing is sent without TLS in its place. */
async function playTls() {
  const tls = await startTls();
  // Where there is no TLS to try, a server that does not speak it.
  const plain = tls?.server ?? (await startRedis());
  const addresses = [...(tls ? [tls.url] : []), plain.url.replace('redis:', 'rediss:')];
  const figures = { addresses: addresses.length, untold: 0, wrong: 0, rejected: 0 };
  for (const address of addresses) {
    const { cache, embed, tally } = openChecked({ cache: { backend: new RedisBackend(address) } });
    for (let call = 0; call < 5; call += 1) await embed(textsOf('tls', BATCH));
    if ((await cache.health()).ok) figures.untold += 1;
    figures.wrong += tally.wrong;
    figures.rejected += tally.rejected;
    await cache.close();
  }
  await (tls ?? plain).stop();
  return figures;
}
