import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Peer, PeerKind } from './peer.js';
import { COUNT, DIMENSIONS, STORED, TableModel } from './workload.js';
import { isClose } from './wrong-vectors.js';

/** A peer on two databases of its own: one with the stored texts, one that is emptied after each cold lookup. */
export interface OpenedPeer {
  kind: PeerKind;
  model: TableModel;
  warm: Peer;
  warmDatabase: number;
  cold: Peer;
  /** Waits until the cold database has all entries, and empties it. */
  settleCold(): Promise<void>;
  /** Bytes that Redis takes for a stored vector, with its key. */
  bytes: number;
  close(): Promise<void>;
}

/** Opens a peer, stores the texts through it, and makes sure that it returns the right vectors from there. */
export async function openPeer(kind: PeerKind, url: string, index: number): Promise<OpenedPeer> {
  const model = new TableModel();
  const [warmDatabase, coldDatabase] = [2 * index + 1, 2 * index + 2];
  const [warm, cold] = await Promise.all(
    [warmDatabase, coldDatabase].map((database) =>
      kind.open({ url: `${url}/${database}`, model, dimensions: DIMENSIONS }),
    ),
  );
  const [warmClient, coldClient] = [new Redis(url, { db: warmDatabase }), new Redis(url, { db: coldDatabase })];
  const opened = { kind, model, warm: warm as Peer, warmDatabase, cold: cold as Peer };
  await opened.warm.embed(STORED);
  await untilStored(warmClient);
  await check(opened);
  return {
    ...opened,
    bytes: await bytesOf(warmClient),
    async settleCold() {
      await untilStored(coldClient);
      await coldClient.flushdb();
    },
    async close() {
      await opened.warm.close();
      await opened.cold.close();
      warmClient.disconnect();
      coldClient.disconnect();
    },
  };
}

/** Some answer before they have stored. */
async function untilStored(client: Redis): Promise<void> {
  while ((await client.dbsize()) < COUNT) await sleep(1);
}

async function check({ kind, model, warm }: { kind: PeerKind; model: TableModel; warm: Peer }): Promise<void> {
  if (model.asked !== COUNT) throw new Error(`${kind.name} asked the model for ${model.asked} vectors of ${COUNT}`);
  const found = await warm.embed(STORED);
  if (model.asked !== COUNT) throw new Error(`${kind.name} asked the model for what is stored`);
  if (kind.isFloor) return;
  for (const [i, text] of STORED.entries()) {
    if (!isClose(found[i], model.vectorOf(text), kind.maxError))
      throw new Error(`${kind.name} returned another vector at ${i}`);
  }
}

/** By MEMORY USAGE, which counts key, value and what holds them. */
async function bytesOf(client: Redis): Promise<number> {
  const keys = await client.keysBuffer('*');
  const sizes = await Promise.all(keys.map((key) => client.memory('USAGE', key)));
  return sizes.reduce<number>((sum, size) => sum + Number(size), 0) / COUNT;
}
