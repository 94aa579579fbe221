import type { BackendLocks, CacheBackend } from '../../src/backends/backend.js';
import { LEASE } from '../../src/backends/hybrid/coherence.js';
import { HybridBackend } from '../../src/backends/hybrid/hybrid.js';
import type { HybridBackendOptions } from '../../src/backends/hybrid/options.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { FarBus } from './simulated-bus.js';
import { FarStore } from './simulated-store.js';
import { Process, World } from './simulation.js';

const KEYS = ['a:1', 'a:2', 'b:1'];
/** What is asked is spread over so long, in milliseconds. */
const SPAN = 10_000;
/** How long everything may take, with everything that follows. In milliseconds. */
const HORIZON = 240_000;

const encode = (version: number) => new Uint8Array(Uint32Array.of(version).buffer);
const decode = (value: Uint8Array) => new DataView(value.buffer, value.byteOffset).getUint32(0, true);

/** What may happen in a history. Numbers are how often, where they are no share. */
export interface History {
  seed: number;
  hasLocks?: boolean;
  /** The share of calls of the store that fail. */
  failures?: number;
  /** The share of commands that are sent seconds late. */
  late?: number;
  /** Lines of the bus that break, and the share of messages that are lost. */
  breaks?: number;
  losses?: number;
  /** Instances that are paused for up to 12 s, that start, that close, and that are killed. */
  pauses?: number;
  starts?: number;
  closes?: number;
  kills?: number;
  /** Replicas that take over up to a second behind, and restarts from a snapshot that is seconds old. */
  failovers?: number;
  restarts?: number;
  /** One instance removes, and the other reads and writes, loses its subscription and is often late; all of it on one key. */
  isFocused?: boolean;
  options?: HybridBackendOptions;
}

interface Removal {
  key: string;
  version: number;
  startedAt: number;
  endedAt: number;
}

/**
 * Instances read, fill, write, delete and clear at random, as the cache does and as a caller of a backend does. A value is the version
 * that the truth had when it was made; a removal raises the truth first. After a removal was acknowledged nobody who asks may get
 * anything older, and the store may not hold it, but for
 * - what an instance that does not hear the others writes on purpose while the removal runs: that may as well have come after it;
 * - what an instance serves that has reached neither the others nor the store since it made that;
 * - what a removal took away that the store itself forgot, when a replica that was behind took over or a snapshot was restored.
 *
 * Throws where that is broken. Returns how many reads were answered, and how many of them from near.
 */
export async function playHistory(history: History): Promise<{ hits: number; near: number }> {
  const { seed, failures = 0, late = 0, hasLocks = false, losses = 0, isFocused = false, options = {} } = history;
  const world = new World(seed);
  const store = new FarStore(world, { failures, late, hasLocks });
  const bus = new FarBus(world, losses);
  const truth = new Map(KEYS.map((key) => [key, 0]));
  const removals: Removal[] = [];
  /** Until when writes on purpose ran, of instances that did not hear the others, by key and version. */
  const deafWrites = new Map<string, number>();
  /** The store went back, from when to when. */
  const jumps: { from: number; at: number }[] = [];
  const result = { hits: 0, near: 0 };
  let asked = 0;
  let holders = 0;

  const start = (lateness = 0.1) => {
    const process = new Process(world, lateness);
    const end = bus.client(process);
    const far = store.client(process);
    /** What it made while it was cut off and since the store answered it last, by key and version. */
    const bridged = new Set<string>();
    const clearing = async <T>(call: Promise<T>) => {
      const answer = await call;
      bridged.clear();
      return answer;
    };
    const locks = far.locks as BackendLocks;
    const l2: CacheBackend = {
      ...far,
      getMany: (keys) => {
        asked += keys.length;
        return clearing(far.getMany(keys));
      },
      setMany: (entries) => clearing(far.setMany(entries)),
      ...(hasLocks && {
        locks: { ...locks, setMany: (entries, holder) => clearing(locks.setMany(entries, holder)) },
      }),
    };
    const backend = new HybridBackend(new MemoryBackend(), l2, { ...options, bus: end }, process.clock);
    return { backend, process, end, bridged, isClosing: false };
  };
  type Instance = ReturnType<typeof start>;
  const instances = [start(), start(isFocused ? 0.5 : 0.1)];
  const open = () => instances.filter(({ process, isClosing }) => !process.isDead && !isClosing);

  const isVoid = ({ startedAt, endedAt }: Removal) => jumps.some(({ from, at }) => startedAt <= at && endedAt >= from);
  const check = (where: string, key: string, version: number, acknowledged: readonly Removal[]) => {
    const writtenUntil = deafWrites.get(`${key} ${version}`) ?? Number.NEGATIVE_INFINITY;
    const removal = acknowledged.find(
      (one) => one.key === key && one.version > version && one.startedAt > writtenUntil && !isVoid(one),
    );
    if (removal) throw new Error(`${where}: ${key} is of version ${version}, removed was ${removal.version}`);
  };
  const checkStore = () => {
    for (const [key, value] of store.records) check('the store', key, decode(value), removals);
  };
  const raise = (keys: readonly string[]) =>
    keys.map((key) => {
      truth.set(key, (truth.get(key) as number) + 1);
      return [key, truth.get(key) as number] as const;
    });
  const isDeaf = async ({ backend }: Instance) => /not heard/.test((await backend.health()).detail ?? '');
  /** Before something is stored. An instance may be late to know that it hears, and then it is cut off, too. */
  const noteBridged = async (instance: Instance, key: string, version: number) => {
    if (await isDeaf(instance)) instance.bridged.add(`${key} ${version}`);
  };

  const read = async ({ backend, bridged }: Instance, key: string): Promise<boolean> => {
    const acknowledged = [...removals];
    const context = { signal: new AbortController().signal, onPartialFailure: () => {} };
    const [value] = await backend.getMany([key], context);
    if (value === undefined) return false;
    result.hits += 1;
    const version = decode(value);
    if (!bridged.has(`${key} ${version}`)) check('a read', key, version, acknowledged);
    return true;
  };
  const fill = (instance: Instance, key: string) =>
    instance.backend.fill(async (fill) => {
      const { backend, process } = instance;
      if (await read(instance, key)) return;
      const holder =
        backend.locks && (world.chance() < 0.7 || (await isDeaf(instance))) ? `fill ${++holders}` : undefined;
      if (holder !== undefined) {
        const [isMine] = (await backend.locks?.acquire([key], holder, 5000)) ?? [];
        if (!isMine) return;
      }
      const version = truth.get(key) as number;
      await process.wait(world.between(1, hasLocks && world.chance() < 0.1 ? 8000 : 400));
      await noteBridged(instance, key, version);
      await fill.setMany([{ key, value: encode(version) }], holder);
    });
  const set = async (instance: Instance, key: string) => {
    const { backend } = instance;
    const [[, version]] = raise([key]) as [readonly [string, number]];
    const name = `${key} ${version}`;
    await noteBridged(instance, key, version);
    const wasDeaf = (await isDeaf(instance)) || instance.end.isDeaf;
    if (wasDeaf) deafWrites.set(name, Number.POSITIVE_INFINITY);
    try {
      const entries = [{ key, value: encode(version) }];
      if (backend.locks && world.chance() < 0.5) {
        const holder = `set ${++holders}`;
        const [isMine] = await backend.locks.acquire([key], holder, 5000, { force: true });
        if (isMine) await backend.locks.setMany(entries, holder);
      } else await backend.setMany(entries);
    } finally {
      if (wasDeaf) deafWrites.set(name, world.now);
    }
  };
  const remove = async ({ bridged }: Instance, keys: readonly string[], call: () => Promise<unknown>) => {
    const startedAt = world.now;
    const raised = raise(keys);
    // Its own removals it knows.
    for (const [key, version] of raised) for (let old = 0; old < version; old += 1) bridged.delete(`${key} ${old}`);
    await call();
    for (const [key, version] of raised) removals.push({ key, version, startedAt, endedAt: world.now });
    checkStore();
  };
  const operations: ((instance: Instance, key: string) => Promise<unknown>)[] = [
    read,
    read,
    fill,
    set,
    (instance, key) => remove(instance, [key], () => instance.backend.deleteMany([key])),
    (instance, key) => {
      const prefix = key.slice(0, 2);
      const keys = KEYS.filter((each) => each.startsWith(prefix));
      return remove(instance, keys, () => instance.backend.clear(prefix));
    },
  ];

  const work: { process: Process; isDone: boolean }[] = [];
  let violation: unknown;
  const run = (instance: Instance, call: () => Promise<unknown>) => {
    const one = { process: instance.process, isDone: false };
    work.push(one);
    instance.process.after(0, () => {
      call()
        .catch((error: unknown) => {
          // What a backend may reject with is a `VecstashError`.
          if (error instanceof Error && !('code' in error)) violation ??= error;
        })
        .finally(() => {
          one.isDone = true;
        });
    });
  };
  const begin = LEASE + 200;
  let planned = 0;
  let begun = 0;
  const plan = (count: number, happen: () => void) => {
    planned += count;
    for (let index = 0; index < count; index += 1) {
      world.after(begin + world.between(0, SPAN), () => {
        begun += 1;
        happen();
      });
    }
  };
  const someone = () => (isFocused ? (instances[1] as Instance) : world.pick(open()));
  plan(30, () => {
    const isRemoval = world.chance() < 0.3;
    const instance = isFocused ? (instances[isRemoval ? 0 : 1] as Instance) : someone();
    const operation = world.pick(isFocused ? operations.slice(...(isRemoval ? [4] : [0, 4])) : operations);
    const key = isFocused ? (KEYS[0] as string) : world.pick(KEYS);
    run(instance, () => operation(instance, key));
  });
  const { breaks = 0, pauses = 0, starts = 0, closes = 0, kills = 0, failovers = 0, restarts = 0 } = history;
  plan(breaks, () => someone().end.breakSilently());
  plan(pauses, () => someone().process.pause(world.between(100, 12_000)));
  plan(starts, () => {
    const instance = start();
    instances.push(instance);
    // It begins before it can know of anybody.
    for (const operation of [fill, set]) run(instance, () => operation(instance, world.pick(KEYS)));
  });
  plan(closes, () => {
    if (open().length < 2) return;
    const instance = someone();
    instance.isClosing = true;
    run(instance, () => instance.backend.close());
  });
  plan(kills, () => {
    if (open().length < 2) return;
    someone().process.kill();
  });
  const goBack = (lag: number) => {
    bus.breakAll();
    jumps.push({ from: store.goBack(lag), at: world.now });
  };
  plan(failovers, () => goBack(world.between(10, 1000)));
  plan(restarts, () => goBack(world.between(1000, 8000)));

  const isOver = () => begun === planned && work.every(({ isDone, process }) => isDone || process.isDead);
  await world.run(isOver, HORIZON);
  // Everything that is late has arrived now.
  await world.until(world.wait(3 * LEASE + 12_000), HORIZON);
  const last = open().flatMap((instance) => KEYS.map((key) => ({ instance, key })));
  for (const { instance, key } of last) run(instance, () => read(instance, key));
  await world.run(isOver, HORIZON);
  checkStore();
  for (const { backend } of open()) await world.until(backend.close(), HORIZON);
  checkStore();
  if (violation !== undefined) throw violation;
  result.near = result.hits - asked;
  return result;
}
