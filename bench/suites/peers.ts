import { startRedis } from '../../test/support/redis-server.js';
import { type Contender, type Interleaved, interleave, interleaveApart, type Rounds } from '../interleave.js';
import { installPeers } from '../peers/install.js';
import type { Suite } from '../suite.js';
import type { FigureTable } from '../tables.js';
import { bare, handWritten } from './peers/by-hand.js';
import { jsonCaches } from './peers/json-caches.js';
import { langchain } from './peers/langchain.js';
import { LINKS, openLink } from './peers/links.js';
import { type OpenedPeer, openPeer } from './peers/opened.js';
import type { PeerKind } from './peers/peer.js';
import { vecstash, vecstashForms } from './peers/vecstash.js';
import { COUNT, DIMENSIONS, newTexts, partlyNewTexts, STORED } from './peers/workload.js';
import { judge, WRONG_VECTOR_TESTS, wordsOf } from './peers/wrong-vectors.js';

/** Two databases for each peer. */
const DATABASES = 64;

/** V8 takes some 300 lookups until it has compiled all that a light one runs; heavy ones take seconds a round. */
const ROUNDS: Record<'warm' | 'mixed' | 'cold', { light: Rounds; heavy: Rounds }> = {
  warm: { light: [200, 300], heavy: [40, 5] },
  mixed: { light: [100, 100], heavy: [20, 3] },
  cold: { light: [40, 20], heavy: [10, 2] },
};
const SHORT_ROUNDS: typeof ROUNDS = {
  warm: { light: [10, 20], heavy: [3, 1] },
  mixed: { light: [5, 5], heavy: [2, 1] },
  cold: { light: [3, 2], heavy: [2, 1] },
};
/** One text a lookup, where nobody is heavy. */
const SINGLE: Rounds = [300, 300];
const SHORT_SINGLE: Rounds = [20, 5];

/**
 * Embedding caches over a real Redis, none with a tier in memory: time, main thread, bytes, wrong
 * vectors, slow links.
 */
export const peers: Suite = async ({ short, only }) => {
  const installed = installPeers();
  const all = [
    vecstash,
    ...vecstashForms,
    bare,
    ...(await handWritten(installed)),
    langchain,
    ...(await jsonCaches(installed)),
  ];
  const kinds = all.filter(({ name }) => only === undefined || name.includes(only));
  const server = await startRedis({ args: ['--databases', String(DATABASES)] });
  if (!server.isPrivate) throw new Error('the suite peers needs a Redis of its own: unset TEST_REDIS_URL');
  const opened: OpenedPeer[] = [];
  try {
    for (const [i, kind] of kinds.entries()) opened.push(await openPeer(kind, server.url, i));
    const rounds = short ? SHORT_ROUNDS : ROUNDS;
    const caches = opened.filter(({ kind }) => !kind.isFloor);
    const warm = await interleaveApart(opened.map(warmLookup), vecstash.name, rounds.warm);
    const mixed = await interleaveApart(caches.map(partlyNewLookup), vecstash.name, rounds.mixed);
    const cold = await interleaveApart(caches.map(coldLookup), vecstash.name, rounds.cold);
    const one = await interleave(caches.map(singleLookup), ...(short ? SHORT_SINGLE : SINGLE));
    return {
      suite: 'peers',
      about: `${COUNT} texts to vectors of ${DIMENSIONS} true float32s over a loopback Redis, no tier in memory; interleaved rounds`,
      measurements: warm.measurements,
      ratios: ratiosOf(warm),
      tables: [
        lookupTable(opened, { warm, mixed, cold, one }, installed.missing),
        await linkTable(opened, server.url, short),
        await wrongVectorTable(kinds, server.url),
      ],
    };
  } finally {
    for (const peer of opened) await peer.close();
    await server.stop();
  }
};

/** What interleaving has to know of a peer. */
function about({ name, isJson = false }: PeerKind): Pick<Contender, 'name' | 'isHeavy'> {
  return { name, isHeavy: isJson };
}

function warmLookup({ kind, warm }: OpenedPeer): Contender {
  return { ...about(kind), run: () => warm.embed(STORED) };
}

function partlyNewLookup({ kind, warm }: OpenedPeer): Contender {
  let round = 0;
  let texts = partlyNewTexts(round);
  return {
    ...about(kind),
    run: () => warm.embed(texts),
    settle: async () => {
      round += 1;
      texts = partlyNewTexts(round);
    },
  };
}

function coldLookup({ kind, cold, settleCold }: OpenedPeer): Contender {
  let round = 0;
  let texts = newTexts(round);
  return {
    ...about(kind),
    run: () => cold.embed(texts),
    settle: async () => {
      await settleCold();
      round += 1;
      texts = newTexts(round);
    },
  };
}

function singleLookup({ kind: { name }, warm }: OpenedPeer): Contender {
  const texts = STORED.slice(0, 1);
  return { name, run: () => warm.embed(texts) };
}

function ratiosOf(warm: Interleaved): Record<string, number> {
  const times = Object.entries(warm.timesOf(vecstash.name));
  return Object.fromEntries(times.map(([name, ratio]) => [`${name} / ${vecstash.name}`, ratio]));
}

function lookupTable(
  opened: OpenedPeer[],
  { warm, mixed, cold, one }: Record<'warm' | 'mixed' | 'cold' | 'one', Interleaved>,
  skipped: string[],
): FigureTable {
  const times = warm.timesOf(vecstash.name);
  const find = ({ measurements }: Interleaved, name: string) => measurements.find((one) => one.name === name);
  return {
    id: 'lookups',
    title: 'A lookup of 1000 texts',
    columns: [
      { key: 'name', head: '' },
      { key: 'warm', head: 'warm, ms', digits: 2 },
      { key: 'times', head: 'times vecstash', digits: 2 },
      { key: 'busy', head: 'main thread busy, ms', digits: 2 },
      { key: 'cpu', head: 'CPU of all threads, ms', digits: 2 },
      { key: 'mixed', head: '10 % misses, ms', digits: 2 },
      { key: 'cold', head: 'cold, ms', digits: 2 },
      { key: 'one', head: 'one text, warm, ms', digits: 2 },
      { key: 'bytes', head: 'bytes in Redis, each', digits: 0 },
    ],
    rows: opened.map(({ kind: { name, usage }, bytes }) => ({
      name,
      usage,
      warm: find(warm, name)?.p50,
      times: times[name] ?? 1,
      busy: find(warm, name)?.busy,
      cpu: find(warm, name)?.cpu,
      mixed: find(mixed, name)?.p50,
      cold: find(cold, name)?.p50,
      one: find(one, name)?.p50,
      bytes,
    })),
    skipped,
  };
}

/** Warm lookups over each link: the same databases, through a proxy. */
async function linkTable(opened: OpenedPeer[], url: string, short: boolean): Promise<FigureTable> {
  const rows = opened.map(({ kind: { name } }): Record<string, string | number> => ({ name }));
  for (const link of LINKS) {
    const proxy = await openLink(link, url);
    const peers = await Promise.all(
      opened.map(({ kind, model, warmDatabase }) =>
        kind.open({ url: `${proxy.url}/${warmDatabase}`, model, dimensions: DIMENSIONS }),
      ),
    );
    const contenders = opened.map(({ kind: { name } }, i): Contender => {
      return { name, run: async () => peers[i]?.embed(STORED) };
    });
    const { measurements } = await interleave(contenders, short ? 1 : link.rounds, 1);
    for (const [i, { p50 }] of measurements.entries()) (rows[i] as Record<string, number>)[link.id] = p50;
    for (const peer of peers) await peer.close();
    await proxy.stop();
  }
  const asked = opened.filter(({ model }) => model.asked < COUNT);
  if (asked.length > 0) throw new Error(`over a link ${asked[0]?.kind.name} asked the model for what is stored`);
  return {
    id: 'links',
    title: 'A warm lookup of 1000 texts over a slow link, ms',
    columns: [{ key: 'name', head: '' }, ...LINKS.map(({ id, name }) => ({ key: id, head: name, digits: 1 }))],
    rows,
  };
}

async function wrongVectorTable(kinds: PeerKind[], url: string): Promise<FigureTable> {
  const rows: FigureTable['rows'] = [];
  for (const kind of kinds.filter(({ isFloor }) => !isFloor)) {
    const row: Record<string, string> = { name: kind.name };
    for (const test of WRONG_VECTOR_TESTS) row[test.id] = wordsOf(await judge(test, kind, url));
    rows.push(row);
  }
  return {
    id: 'wrong',
    title: 'What comes of a fault',
    columns: [{ key: 'name', head: '' }, ...WRONG_VECTOR_TESTS.map(({ id, name }) => ({ key: id, head: name }))],
    rows,
  };
}
