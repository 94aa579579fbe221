import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { LEASE } from '../../src/backends/hybrid/coherence.js';
import { HybridBackend } from '../../src/backends/hybrid/hybrid.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { type History, playHistory } from '../support/hybrid-histories.js';
import { FarBus } from '../support/simulated-bus.js';
import { FarStore } from '../support/simulated-store.js';
import { Process, World } from '../support/simulation.js';

const test = suite('instances that share an L2');

const INTERLEAVINGS = Number(process.env.VECSTASH_INTERLEAVINGS ?? 10_000);
const HORIZON = 120_000;

type Kind = Omit<History, 'seed'>;

const writeBehind = { options: { writeBehind: true } };
const EVERYTHING: Kind = {
  hasLocks: true,
  failures: 0.03,
  late: 0.05,
  breaks: 1,
  losses: 0.005,
  pauses: 1,
  starts: 2,
  closes: 1,
  kills: 1,
};

const KINDS: Record<string, Kind> = {
  'late messages': { hasLocks: true },
  'lost messages and calls that fail': { hasLocks: true, failures: 0.05, breaks: 2, losses: 0.01 },
  'commands that are sent late': { hasLocks: true, late: 0.2, breaks: 1 },
  'instances that are paused': { hasLocks: true, pauses: 3 },
  'instances that are paused, written behind': { hasLocks: true, pauses: 3, late: 0.1, failures: 0.15, ...writeBehind },
  'instances that start and end': { hasLocks: true, starts: 4, closes: 1, kills: 1 },
  'an instance that is cut off': { hasLocks: true, breaks: 3, isFocused: true },
  'an instance that is cut off, written behind': { hasLocks: true, breaks: 3, isFocused: true, ...writeBehind },
  'replicas that lag behind take over': { hasLocks: true, failovers: 2, pauses: 1 },
  'a restart from a snapshot': { hasLocks: true, restarts: 1, pauses: 1, starts: 1, ...writeBehind },
  everything: EVERYTHING,
  'everything, written behind': { ...EVERYTHING, ...writeBehind },
  'no locks: late messages and calls that fail': { failures: 0.05 },
  'no locks: lost messages and calls that fail': { failures: 0.05, breaks: 2 },
  'no locks: an instance that is cut off': { breaks: 3, isFocused: true },
  'no locks: an instance that is cut off, written behind': { breaks: 3, isFocused: true, ...writeBehind },
  'no locks: lost messages, written behind': { breaks: 2, ...writeBehind },
};

for (const [name, kind] of Object.entries(KINDS)) {
  test(`nothing is stale after an acknowledged removal: ${name}`, async () => {
    const first = Number(process.env.VECSTASH_SEED ?? Math.floor(Math.random() * 2 ** 31));
    const runs = process.env.VECSTASH_SEED ? 1 : Math.ceil(INTERLEAVINGS / Object.keys(KINDS).length);
    let hits = 0;
    for (let seed = first; seed < first + runs; seed += 1) {
      try {
        hits += (await playHistory({ seed, ...kind })).hits;
      } catch (error) {
        throw new Error(`VECSTASH_SEED=${seed} plays it again: ${(error as Error).stack}`);
      }
    }
    if (runs > 1) assert.ok(hits > runs, `${hits} hits in ${runs} interleavings`);
  });
}

test('a removal waits for an instance that was heard of and says nothing, until it can do no harm', async () => {
  const world = new World(1);
  const bus = new FarBus(world);
  const store = new FarStore(world);
  const start = () => {
    const process = new Process(world, 0);
    const end = bus.client(process);
    const backend = new HybridBackend(new MemoryBackend(), store.client(process), { bus: end }, process.clock);
    return { end, backend };
  };
  const [one, other] = [start(), start()];
  await world.run(() => world.now > LEASE + 2000, HORIZON);
  const removal = async () => {
    const startedAt = world.now;
    await world.until(one.backend.deleteMany(['a']), HORIZON);
    return world.now - startedAt;
  };
  assert.ok((await removal()) < 1000, 'both answer');
  other.end.breakSilently();
  const last = world.now;
  await removal();
  // Its last hello was heard at most an interval before it fell silent.
  assert.ok(world.now - last > LEASE, 'its lease has ended, and what it wrote then has arrived');
  assert.ok((await removal()) < 1000, 'it is no longer waited for');
  await world.until(Promise.all([one.backend.close(), other.backend.close()]), HORIZON);
});

test('a seed plays the same again', async () => {
  const kind = { ...EVERYTHING, ...writeBehind, seed: 7 };
  assert.equal(await playHistory(kind), await playHistory(kind));
});

test.run();
