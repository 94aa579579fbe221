import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import sharp from 'sharp';
import { startRedis } from '../../test/support/redis-server.js';
import { type LoadResult, load, type Shot } from '../open-loop.js';
import type { Suite } from '../suite.js';
import type { FigureTable } from '../tables.js';
import { seeded } from '../vectors.js';

/** Images of one upload. */
const IMAGES = 10;

/** The width and height of each, in pixels: of noise, about 12 KB of PNG. */
const SIDE = 64;

const PER_SECOND = 200;
const SEED = 20261123;

/** Where the server leaves a CPU profile; see bench/profile.ts. */
const PROFILE = process.env.VECSTASH_PROFILE_SERVER;

/** examples/upload-endpoint over HTTP, memory before Redis: ten images an upload, 200 uploads a second. */
export const endpoint: Suite = async ({ short }) => {
  const redis = await startRedis();
  const shots = await uploads(short ? 100 : 600);
  const repeated = Array.from({ length: short ? 400 : 3000 }, (_, i) => shots[i % 50] as Shot);
  const figures: { what: string; result: LoadResult }[] = [];
  const measure = async (server: Server, what: string, some: readonly Shot[]) => {
    const result = await load({ url: server.url, shots: some, perSecond: PER_SECOND, seed: SEED });
    figures.push({ what, result });
  };
  try {
    const first = await startServer(redis.url, false);
    await load({ url: first.url, shots, perSecond: 40, seed: SEED });
    await first.stop();
    const second = await startServer(redis.url, PROFILE !== undefined);
    // Warm-up: what is compiled once is not of the load.
    await load({ url: second.url, shots: shots.slice(0, 50), perSecond: 50, seed: SEED });
    await measure(second, 'known to memory', repeated);
    await measure(second, 'known to Redis alone', shots.slice(50));
    await second.stop();
  } finally {
    await redis.stop();
  }
  return {
    suite: 'endpoint',
    about: `uploads of ${IMAGES} images (${((shots[0]?.body.length ?? 0) / 1024).toFixed(0)} KB together) over HTTP, ${PER_SECOND} a second at random times, client and server on one machine`,
    measurements: [],
    ratios: {},
    tables: [table(figures)],
  };
};

function table(figures: { what: string; result: LoadResult }[]): FigureTable {
  return {
    id: 'endpoint',
    title: 'uploads, from when each was due to the end of its answer',
    columns: [
      { key: 'what', head: 'images' },
      { key: 'answered', head: 'answered', digits: 0 },
      { key: 'failed', head: 'failed', digits: 0 },
      { key: 'hits', head: 'hits %', digits: 1 },
      { key: 'p50', head: 'p50 ms', digits: 2 },
      { key: 'p95', head: 'p95 ms', digits: 2 },
      { key: 'p99', head: 'p99 ms', digits: 2 },
      { key: 'wanted', head: 'wanted' },
    ],
    rows: figures.map(({ what, result: { answered, failed, p50, p95, p99, answers } }) => {
      const counted = answers.filter((answer) => answer !== '').map((answer) => JSON.parse(answer));
      const sum = (field: 'hits' | 'count') => counted.reduce((total, answer) => total + answer[field], 0);
      const hits = (100 * sum('hits')) / sum('count');
      return { what, answered, failed, hits, p50, p95, p99, wanted: 'p95 < 10 ms' };
    }),
  };
}

/** Forms with images, no two the same. */
async function uploads(count: number): Promise<Shot[]> {
  const random = seeded(SEED);
  const shots: Shot[] = [];
  for (let i = 0; i < count; i++) {
    const form = new FormData();
    for (let j = 0; j < IMAGES; j++) {
      const pixels = Buffer.from(Array.from({ length: 3 * SIDE * SIDE }, () => Math.floor(random() * 256)));
      const png = await sharp(pixels, { raw: { width: SIDE, height: SIDE, channels: 3 } })
        .png()
        .toBuffer();
      form.append('files', new Blob([new Uint8Array(png)], { type: 'image/png' }), `${i}-${j}.png`);
    }
    const encoded = new Response(form);
    const headers = { 'content-type': encoded.headers.get('content-type') as string };
    shots.push({ path: '/api/images', headers, body: new Uint8Array(await encoded.arrayBuffer()) });
  }
  return shots;
}

interface Server {
  url: string;
  stop(): Promise<void>;
}

/** In a process of its own: the load must not wait for the server's event loop. */
async function startServer(redis: string, isProfiled: boolean): Promise<Server> {
  const profile = isProfiled ? ['--cpu-prof', '--cpu-prof-dir=profiles', `--cpu-prof-name=${PROFILE}`] : [];
  const args = [...profile, '--import', 'tsx', 'examples/upload-endpoint/main.ts', '--port', '0', '--redis', redis];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  const stop = async () => {
    child.kill('SIGTERM');
    await exit;
  };
  for await (const line of createInterface(child.stdout)) {
    const url = /^listening at (\S+)/.exec(line)?.[1];
    if (url !== undefined) return { url, stop };
  }
  throw new Error('the server ended before it listened');
}
