import { createVectorCodec } from 'vecstash/codec';
import { type Contender, interleave, type Measurement } from '../interleave.js';
import type { Suite } from '../suite.js';
import type { FigureTable } from '../tables.js';
import { gaussianVectors } from '../vectors.js';
import { openStores, type Store } from './stores.js';

const COUNT = 1000;
const DIMENSIONS = 768;
const SEED = 20261122;

/** Calls under way at once where operations a second are counted. */
const AT_ONCE = 8;

interface Entry {
  key: string;
  value: Uint8Array;
}

/** One thing to do with a store; the index grows with each call. */
interface Operation {
  name: string;
  /** Rounds, and how many calls the throughput is counted over. */
  rounds: number;
  calls: number;
  run(store: Store, index: number): Promise<unknown>;
}

/** Every backend, what it does for one key and for many. */
export const backends: Suite = async ({ short, only }) => {
  const stores = (await openStores()).filter(({ name }) => only === undefined || name.includes(only));
  try {
    const entries = makeEntries();
    const keys = entries.map(({ key }) => key);
    const key = (index: number) => keys[(index * 7919) % COUNT] as string;
    const some = (count: number, index: number) => keys.slice((index * count) % (COUNT - count + 1)).slice(0, count);
    const scratch = (index: number) => ({
      ...(entries[index % COUNT] as Entry),
      key: `bench:scratch:${index % COUNT}`,
    });
    const times = short ? 0.2 : 1;
    const one = { rounds: 400 * times, calls: 1000 * times };
    const many = { rounds: 60 * times, calls: 40 * times };
    const operations: Operation[] = [
      { name: 'get, hit', ...one, run: ({ backend }, index) => backend.getMany([key(index)]) },
      { name: 'get, miss', ...one, run: ({ backend }, index) => backend.getMany([`bench:none:${index}`]) },
      { name: 'set', ...one, run: ({ backend }, index) => backend.setMany([scratch(index)]) },
      { name: 'delete', ...one, run: ({ backend }, index) => backend.deleteMany([scratch(index).key]) },
      { name: 'getMany of 10', ...one, run: ({ backend }, index) => backend.getMany(some(10, index)) },
      { name: 'getMany of 100', ...many, run: ({ backend }, index) => backend.getMany(some(100, index)) },
      { name: 'getMany of 1000', ...many, run: ({ backend }) => backend.getMany(keys) },
    ];
    for (const store of stores) await fill(store, entries);

    const rows: FigureTable['rows'] = [];
    for (const operation of operations) {
      const { measurements } = await interleave(
        contendersOf(stores, operation),
        operation.rounds,
        operation.rounds / 10,
      );
      for (const [index, store] of stores.entries()) {
        const measured = measurements[index] as Measurement;
        const { p50, p95, p99 } = measured;
        const perSecond = await throughput(store, operation);
        const expected = operation.name.startsWith('getMany') ? undefined : store.expected;
        rows.push({
          store: store.name,
          operation: operation.name,
          p50,
          p95,
          p99,
          perSecond,
          expected: expected && `${expected.percentile} < ${expected.most} ms`,
          met: expected && (measured[expected.percentile] < expected.most ? 'yes' : 'no'),
        });
      }
    }
    return {
      suite: 'backends',
      about: `records of ${DIMENSIONS} true float32s (${entries[0]?.value.length} bytes), every store on this machine; interleaved rounds`,
      measurements: [],
      ratios: {},
      tables: [timesTable(rows), leftOutTable(stores)],
    };
  } finally {
    for (const { backend, stop } of stores) {
      await backend.close();
      await stop();
    }
  }
};

function makeEntries(): Entry[] {
  const keys = Array.from({ length: COUNT }, (_, index) => `bench:${'0123456789abcdef'.repeat(5)}:${index}`);
  const codec = createVectorCodec({ dimensions: DIMENSIONS });
  const records = codec.encodeMany(keys, gaussianVectors(COUNT, DIMENSIONS, SEED));
  return keys.map((key, index) => ({ key, value: records[index] as Uint8Array }));
}

async function fill({ name, backend }: Store, entries: Entry[]): Promise<void> {
  // A hybrid listens before it uses its first tier.
  while ((await backend.health()).detail !== undefined) await new Promise((resolve) => setTimeout(resolve, 20));
  for (let start = 0; start < entries.length; start += 100) await backend.setMany(entries.slice(start, start + 100));
  const found = await backend.getMany(entries.map(({ key }) => key));
  found.forEach((value, index) => {
    if (value === undefined || Buffer.compare(value, (entries[index] as Entry).value) !== 0) {
      throw new Error(`${name} did not keep record ${index}`);
    }
  });
}

function contendersOf(stores: Store[], { run }: Operation): Contender[] {
  return stores.map((store) => {
    let index = 0;
    return { name: store.name, run: () => run(store, index++) };
  });
}

/** Operations a second, several at once. */
async function throughput(store: Store, { run, calls }: Operation): Promise<number> {
  let index = 0;
  const started = performance.now();
  const worker = async () => {
    while (index < calls) await run(store, index++);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return (calls / (performance.now() - started)) * 1000;
}

function timesTable(rows: FigureTable['rows']): FigureTable {
  return {
    id: 'backends',
    title: `times in milliseconds; operations a second with ${AT_ONCE} calls at once`,
    columns: [
      { key: 'operation', head: 'operation' },
      { key: 'store', head: 'store' },
      { key: 'p50', head: 'p50 ms', digits: 3 },
      { key: 'p95', head: 'p95 ms', digits: 3 },
      { key: 'p99', head: 'p99 ms', digits: 3 },
      { key: 'perSecond', head: 'a second', digits: 0 },
      { key: 'expected', head: 'expected' },
      { key: 'met', head: 'met' },
    ],
    rows,
  };
}

function leftOutTable(stores: Store[]): FigureTable {
  return {
    id: 'left-out',
    title: 'what one machine leaves out',
    columns: [
      { key: 'store', head: 'store' },
      { key: 'leavesOut', head: 'not in these times' },
    ],
    rows: stores.map(({ name, leavesOut }) => ({ store: name, leavesOut })),
  };
}
