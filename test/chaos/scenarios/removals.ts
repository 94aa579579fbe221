import { setTimeout as sleep } from 'node:timers/promises';
import { HybridBackend } from '../../../src/backends/hybrid/hybrid.js';
import { MemoryBackend } from '../../../src/backends/memory/memory.js';
import { RedisBackend } from '../../../src/backends/redis/redis.js';
import { until } from '../../../src/testing/until.js';
import { startInstance } from '../../support/chaos-instance.js';
import { openChecked, textsOf } from '../../support/chaos-namespace.js';
import { endBlackHole, type RemovalTally, Remover } from '../../support/chaos-removals.js';
import { opened } from '../../support/chaos-store.js';
import { hybridOver, ownClient } from '../../support/chaos-stores.js';
import { type RedisServer, startRedis } from '../../support/redis-server.js';
import { startRespProxy } from '../../support/resp-proxy.js';
import { NONE_REJECTED, NONE_WRONG, type Play, type Scenario, type Variant } from '../scenario.js';

const DIMENSIONS = 64;
/** Of vectors that take their time to be encoded and sent. */
const LARGE = 1536;
/** Rounds that are played at the same time, since most of a round is waiting; the quick form plays no others. */
const AT_ONCE = { long: 10, quick: 4 };
/** Each has a process of its own. */
const FROZEN_AT_ONCE = { long: 4, quick: 1 };
/** How long a process stays frozen, in milliseconds: also for longer than anybody waits for one that does not answer. */
const FROZEN_FOR = { long: [200, 2000, 11_000, 11_000], quick: [0, 200, 2000] };

type Kind = 'redis' | 'hybrid';
type Round = (index: number) => Promise<void>;
/** Prepares a variant and returns what one round of it is. */
type Prepare = (server: RedisServer, remover: Remover, play: Play) => Promise<{ round: Round; end(): Promise<void> }>;

/** A removal that was acknowledged is over: nothing that was computed, queued or sent before it may come back. */
export const removals: Scenario = {
  name: 'removals',
  about:
    'removed keys that come back: from a paused process, a resent command, a late, starting or write-behind instance',
  variants: [
    variant('paused, redis', 'redis', (...given) => paused('redis', ...given), FROZEN_AT_ONCE, LARGE),
    variant('paused, hybrid', 'hybrid', (...given) => paused('hybrid', ...given), FROZEN_AT_ONCE, LARGE),
    variant('resent, redis', 'redis', (...given) => resent('redis', ...given)),
    variant('resent, hybrid', 'hybrid', (...given) => resent('hybrid', ...given)),
    variant('late, redis', 'redis', (...given) => late('redis', ...given)),
    variant('late, hybrid', 'hybrid', (...given) => late('hybrid', ...given)),
    variant('starting, hybrid', 'hybrid', starting),
    variant('written behind, hybrid', 'hybrid', writtenBehind),
  ],
};

function variant(name: string, kind: Kind, prepare: Prepare, atOnce = AT_ONCE, dimensions = DIMENSIONS): Variant {
  return {
    name,
    goals: [NONE_WRONG, NONE_REJECTED, { figure: 'back', atMost: 0 }, { figure: 'removed', atLeast: 1 }],
    play: async (play) => {
      const server = await startRedis();
      const remover = await Remover.start(kind, server.url, dimensions);
      const { round, end } = await prepare(server, remover, play);
      const rounds = play.pick(50, atOnce.quick);
      const most = play.pick(atOnce.long, atOnce.quick);
      for (let first = 0; first < rounds; first += most) {
        const count = Math.min(most, rounds - first);
        await Promise.all(Array.from({ length: count }, (_, index) => round(first + index)));
      }
      await end();
      const tally: RemovalTally = await remover.finish();
      await server.stop();
      return { rounds, ...tally };
    },
  };
}

/**
 * A process is frozen somewhere between the call of its model and the end of the write, for longer than others wait for it, and
 * goes on. Batches are large, so that encoding and sending take their time.
 */
async function paused(kind: Kind, { url }: RedisServer, remover: Remover, { random, pick }: Play) {
  const start = () => startInstance({ url, kind, thinkMs: 5, dimensions: LARGE });
  const instances = await Promise.all(Array.from({ length: pick(FROZEN_AT_ONCE.long, FROZEN_AT_ONCE.quick) }, start));
  return {
    async round(index: number) {
      const instance = instances[index % instances.length] as (typeof instances)[number];
      const batches = [0, 1, 2].map((batch) => textsOf(`paused ${index}.${batch}`, 200));
      const frozen = instance.frozen();
      const freezeAfterMs = random.whole(0, 60);
      const embeds = batches.map((texts) => instance.call('embed', texts, freezeAfterMs));
      await frozen;
      // What it begins to compute after it goes on is newer than the removal.
      await remover.remove(batches.flat().filter((text) => instance.asked.has(text)));
      await sleep(random.of(pick(FROZEN_FOR.long, FROZEN_FOR.quick)));
      instance.resume();
      await Promise.all(embeds);
    },
    async end() {
      for (const instance of instances) {
        const { tally } = await instance.call('close');
        remover.tally.wrong += tally.wrong;
        remover.tally.rejected += tally.rejected;
      }
    },
  };
}

/**
 * ioredis sends again what was not answered before its connection broke, also long after others removed it; or what it had sent
 * arrives that late.
 */
async function resent(kind: Kind, { url }: RedisServer, remover: Remover, { random }: Play) {
  const round = async (index: number) => {
    const proxy = await startRespProxy(Number(new URL(url).port));
    const client = ownClient(proxy.url);
    const redis = new RedisBackend(client);
    const backend = await opened(kind === 'redis' ? redis : new HybridBackend(new MemoryBackend(), redis));
    const writer = openChecked({ cache: { backend }, dimensions: DIMENSIONS, think: () => sleep(60) });
    const texts = textsOf(`resent ${index}`, 4);
    const call = writer.embed(texts);
    // The model is at it: what is sent from now on, the write above all, is on a line that carries nothing.
    await until('the model is asked', () => writer.tally.calls > 0);
    await sleep(random.whole(0, 20));
    proxy.isBlackHole = true;
    await call;
    await remover.remove(texts);
    endBlackHole(proxy, random.of(['cut', 'release']));
    await until('the client is connected again', async () => (await backend.health()).ok);
    // A command of this client's own after those that it sent again.
    await client.ping();
    await remover.countBack(writer.found, texts);
    await writer.cache.close();
    client.disconnect();
    await proxy.stop();
    addTally(remover, writer.tally);
  };
  return { round, end: async () => {} };
}

/** An instance asks its model; another one removes before the answer has come, or while it is being stored. */
async function late(kind: Kind, { url }: RedisServer, remover: Remover, { random }: Play) {
  const backend = await opened(kind === 'redis' ? new RedisBackend(url) : hybridOver(url));
  const asked = new Set<string>();
  const writer = openChecked({
    cache: { backend },
    dimensions: DIMENSIONS,
    think: (texts) => {
      for (const text of texts) asked.add(text);
      return sleep(random.whole(0, 40));
    },
  });
  return {
    async round(index: number) {
      const texts = textsOf(`late ${index}`, 4);
      const call = writer.embed(texts);
      await until('the model is asked', () => texts.every((text) => asked.has(text)));
      await sleep(random.whole(0, 50));
      await remover.remove(texts);
      await call;
      await remover.countBack(writer.found, texts);
    },
    async end() {
      await writer.cache.close();
      addTally(remover, writer.tally);
    },
  };
}

/** An instance computes before it hears what others change. */
async function starting({ url }: RedisServer, remover: Remover, { random }: Play) {
  const round = async (index: number) => {
    const starter = openChecked({
      cache: { backend: hybridOver(url) },
      dimensions: DIMENSIONS,
      think: () => sleep(random.whole(0, 40)),
    });
    const texts = textsOf(`starting ${index}`, 4);
    const call = starter.embed(texts);
    await until('the model is asked', () => starter.tally.paid === texts.length);
    await sleep(random.whole(0, 60));
    await remover.remove(texts);
    await call;
    await remover.countBack(starter.found, texts);
    await starter.cache.close();
    addTally(remover, starter.tally);
  };
  return { round, end: async () => {} };
}

/** A queue that could not be written while its keys were removed. */
async function writtenBehind({ url }: RedisServer, remover: Remover, { random }: Play) {
  const round = async (index: number) => {
    const proxy = await startRespProxy(Number(new URL(url).port));
    const backend = await opened(hybridOver(proxy.url, { writeBehind: true }));
    const writer = openChecked({ cache: { backend }, dimensions: DIMENSIONS, think: () => sleep(40) });
    const texts = textsOf(`behind ${index}`, 4);
    const call = writer.embed(texts);
    await until('the model is asked', () => writer.tally.calls > 0);
    await sleep(random.whole(0, 30));
    proxy.isBlackHole = true;
    await call;
    await remover.remove(texts);
    endBlackHole(proxy, random.of(['cut', 'release']));
    await until('it reaches the store again', async () => (await backend.health()).ok);
    await until('its queue is empty', () => backend.writeBehind?.queued === 0);
    await remover.countBack(writer.found, texts);
    await writer.cache.close().catch(() => {});
    await proxy.stop();
    addTally(remover, writer.tally);
  };
  return { round, end: async () => {} };
}

function addTally({ tally }: Remover, { wrong, rejected }: { wrong: number; rejected: number }): void {
  tally.wrong += wrong;
  tally.rejected += rejected;
}
