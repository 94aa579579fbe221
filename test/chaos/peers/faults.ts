import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { textsOf } from '../../support/chaos-namespace.js';
import { prf } from '../../support/prf.js';
import { startRedis } from '../../support/redis-server.js';
import { onceRule, startRespProxy } from '../../support/resp-proxy.js';
import type { Model, Peer, PeerKind } from './peer.js';

export const DIMENSIONS = 64;
/** A call that takes longer counts as hung, in milliseconds. */
const HUNG = 2000;
/** Calls that hung after which nothing more is asked: what is not answered now is not answered. */
const ENOUGH = 6;
const BATCH = 10;

/** What callers saw of a peer. */
export interface PeerFigures {
  vectors: number;
  wrong: number;
  rejected: number;
  hung: number;
  paid: number;
  slowestMs: number;
}

/** A fault, and what became of the calls made during and after it. */
export const PEER_FAULTS: Record<string, (kind: PeerKind) => Promise<PeerFigures>> = {
  'four callers that change what they got': async (kind) =>
    withServer(kind, async (seen, url) => {
      const peer = await kind.open(url, seen.model);
      for (const text of textsOf('joined', 250)) {
        await Promise.all(
          [0, 1, 2, 3].map(async (caller) => {
            await sleep(caller);
            const [vector] = await seen.ask(peer, [text]);
            if (vector) for (let index = 0; index < DIMENSIONS; index += 1) (vector as number[])[index] = 0;
          }),
        );
      }
      return peer;
    }),

  'a bit of each record flipped': async (kind) =>
    withServer(kind, async (seen, url) => {
      const texts = textsOf('stored', 200);
      await stored(kind, url, texts);
      const client = new Redis(url);
      for (const key of await client.keysBuffer('*')) {
        const value = await client.getBuffer(key);
        if (value === null) continue;
        const place = Math.floor(value.length * 0.6);
        value[place] = (value[place] as number) ^ 1;
        await client.set(key, value);
      }
      client.disconnect();
      const peer = await kind.open(url, seen.model);
      for (const text of texts) await seen.ask(peer, [text]);
      return peer;
    }),

  'Redis killed': async (kind) =>
    withServer(kind, async (seen, url, server) => {
      const peer = await kind.open(url, seen.model);
      await seen.ask(peer, textsOf('before', BATCH));
      await server.kill();
      for (let call = 0; call < 6; call += 1) await seen.ask(peer, textsOf('during', BATCH, call * BATCH));
      return peer;
    }),

  'one reply dropped': async (kind) =>
    withServer(kind, async (seen, url) => {
      const texts = textsOf('stored', 200);
      await stored(kind, url, texts);
      const proxy = await startRespProxy(Number(new URL(url).port));
      const peer = await kind.open(proxy.url, seen.model);
      await seen.ask(peer, texts.slice(0, 1));
      proxy.rule = onceRule('drop', ({ command }) => command === 'GET' || command === 'MGET');
      // Two callers at a time, each of its own texts.
      for (let first = 1; first < 61; first += 2) {
        await Promise.all([0, 1].map((caller) => seen.ask(peer, texts.slice(first + caller, first + caller + 1))));
      }
      setTimeout(() => proxy.stop(), 100);
      return peer;
    }),
};

/** Counts what a peer answers. */
class Seen {
  readonly figures: PeerFigures = { vectors: 0, wrong: 0, rejected: 0, hung: 0, paid: 0, slowestMs: 0 };

  readonly model: Model = async (texts) => {
    this.figures.paid += texts.length;
    await sleep(2);
    return texts.map((text) => [...prf(text, DIMENSIONS)]);
  };

  async ask(peer: Peer, texts: string[]): Promise<ArrayLike<number>[]> {
    const { figures } = this;
    if (figures.hung >= ENOUGH) return [];
    const start = performance.now();
    const answer = await Promise.race([
      peer.embed(texts).catch(() => 'rejected' as const),
      sleep(HUNG, 'hung' as const, { ref: false }),
    ]);
    figures.slowestMs = Math.max(figures.slowestMs, performance.now() - start);
    if (typeof answer === 'string') {
      figures[answer] += 1;
      return [];
    }
    for (const [index, text] of texts.entries()) {
      figures.vectors += 1;
      const vector = answer[index];
      const right = prf(text, DIMENSIONS);
      if (!vector || vector.length !== DIMENSIONS || !right.every((element, i) => element === vector[i]))
        figures.wrong += 1;
    }
    return answer;
  }
}

async function withServer(
  { name }: PeerKind,
  run: (seen: Seen, url: string, server: Awaited<ReturnType<typeof startRedis>>) => Promise<Peer>,
): Promise<PeerFigures> {
  const server = await startRedis();
  const seen = new Seen();
  const peer = await run(seen, server.url, server);
  // Some wait for a server that is away.
  await Promise.race([peer.close().catch(() => console.log(`${name} did not close`)), sleep(1000)]);
  await server.stop();
  return seen.figures;
}

/** Stores texts through another instance of the peer. */
async function stored(kind: PeerKind, url: string, texts: string[]): Promise<void> {
  const seen = new Seen();
  const peer = await kind.open(url, seen.model);
  await seen.ask(peer, texts);
  await sleep(200);
  await peer.close();
}
