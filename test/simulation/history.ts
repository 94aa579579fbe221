import { type Cache, createCache } from '../../src/cache/cache.js';
import type { Embeddings } from '../../src/cache/embeddings.js';
import type { Values } from '../../src/cache/values.js';
import { createVectorCodec } from '../../src/codec/vectors.js';
import { createValueCodec } from '../../src/values/codec.js';
import { Chance } from '../support/sim-chance.js';
import { SimStore } from '../support/sim-store.js';
import { type SimProcess, SimTime } from '../support/sim-time.js';
import { nameOf, nameOfValue, type SimValue } from '../support/sim-vectors.js';
import { Callers } from './callers.js';
import { Calls, type Instance } from './calls.js';
import { embedder } from './embedder.js';
import { type Kind, kindOf, mannersOf, weatherOf } from './kinds.js';
import { Model } from './model.js';

/** How long everything that was asked may take, in milliseconds: whatever takes longer hangs. */
const HORIZON = 240_000;
/** How long what nobody waits for may go on afterwards. */
const AFTERMATH = 120_000;

export interface Outcome {
  seed: number;
  kind: string;
  violations: string[];
  /** What happened, where it was asked for. */
  log: string[];
  calls: number;
  /** How many vectors and values were served and checked. */
  served: number;
}

/** Plays one history. The same seed plays the same. */
export async function play(seed: number, isLogged = false): Promise<Outcome> {
  const chance = new Chance(seed);
  const kind = kindOf(chance);
  const time = new SimTime();
  const log: string[] = [];
  const note = isLogged ? (what: string) => void log.push(`${time.now.toFixed(2)} ${what}`) : () => {};
  const history = new History(kind, chance, time, note);
  const calls = await history.play();
  return { seed, kind: kind.name, violations: history.violations, log, calls, served: history.served };
}

class History {
  readonly #kind: Kind;
  readonly #chance: Chance;
  readonly #time: SimTime;
  readonly #note: (what: string) => void;
  readonly #model: Model;
  readonly #dimensions: number;
  /** Whether the caches learn the dimensions: all or none, since keys say which. */
  readonly #isLearning: boolean;
  /** Where records lie: the store's own list of them is not public. */
  readonly #storedKeys = new Set<string>();
  readonly #storedVersions = new Set<number>();

  constructor(kind: Kind, chance: Chance, time: SimTime, note: (what: string) => void) {
    this.#kind = kind;
    this.#chance = chance;
    this.#time = time;
    this.#note = note;
    this.#model = new Model({ storeWorks: !kind.faulty && !kind.frozen, readsWork: !kind.faulty });
    this.#dimensions = kind.large ? 65_535 : 8;
    this.#isLearning = chance.is(0.2);
  }

  get violations(): string[] {
    return this.#model.violations;
  }

  get served(): number {
    return this.#model.checked;
  }

  /** Returns how many calls were made. */
  async play(): Promise<number> {
    const { violations } = this;
    const chance = this.#chance;
    const time = this.#time;
    const unhandled = (error: unknown) => {
      violations.push(`unhandled rejection: ${error instanceof Error ? error.stack : String(error)}`);
    };
    process.on('unhandledRejection', unhandled);
    time.onUncaught = (error) => violations.push(`uncaught exception: ${(error as Error)?.stack ?? error}`);
    const span = chance.pick([1, 50, 300, 3_000]);
    const store = new SimStore(time, chance, weatherOf(this.#kind, chance, time.now, time.now + span), this.#note);
    store.onStored = (entries) => {
      for (const { key } of entries) this.#storedKeys.add(key);
      if (this.#kind.faulty || this.#kind.frozen) {
        for (const name of this.#namesOf(entries.map(({ key, value }) => [key, value] as const))) {
          if (name) this.#storedVersions.add(name.version);
        }
      }
    };
    const count = chance.between(1, this.#kind.processes);
    const instances = Array.from({ length: count }, (_, i) => this.#open(store, `p${i + 1}`));
    const calls = new Calls({
      time,
      chance,
      model: this.#model,
      instances,
      dimensions: this.#dimensions,
      mayFail: this.#kind.faulty,
      mayLose: this.#kind.faulty || this.#kind.frozen,
      isStored: (version) => !(this.#kind.faulty || this.#kind.frozen) || this.#storedVersions.has(version),
      note: this.#note,
      closed: (instance) => this.#checkKept(store, instance, instances),
    });
    const callers = new Callers(calls);
    this.#askers = callers;
    try {
      callers.plan(span);
      if (this.#kind.frozen) this.#planFreezes(instances, span);
      const isOver = await time.run(() => callers.isOver, time.now + HORIZON);
      if (!isOver) violations.push(`hangs: ${calls.open.join('; ')}`);
      else {
        await time.run(() => false, time.now + AFTERMATH);
        if (time.left > 0) violations.push(`leaks: ${time.left} timers are left`);
        callers.checkKept();
        await this.#checkStore(store);
      }
    } finally {
      process.off('unhandledRejection', unhandled);
    }
    return calls.count;
  }

  #askers: Callers | undefined;

  #open(store: SimStore, name: string): Instance {
    const chance = this.#chance;
    const owner: SimProcess = { name, frozenUntil: 0 };
    const cache: Cache = createCache({ backend: store.view(owner, this.#kind.fenced) });
    const embed = embedder({
      time: this.#time,
      chance,
      model: this.#model,
      process: owner,
      manners: mannersOf(chance),
      dimensions: this.#dimensions,
      ask: () => (this.#askers as Callers).askFromWithin(instance),
      log: this.#note,
    });
    // The same namespace may be opened more than once.
    const handles: Embeddings[] = Array.from({ length: chance.pick([1, 1, 2]) }, () =>
      cache.embeddings('docs', {
        model: 'm',
        ...(!this.#isLearning && { dimensions: this.#dimensions }),
        embed,
        gather: chance.pick([0, 0, 0, 5, 50]),
        batchSize: chance.pick([1, 2, 96]),
        concurrency: chance.pick([1, 2, 4]),
      }),
    );
    const values: Values<SimValue> = cache.values('values');
    const instance: Instance = {
      process: owner,
      cache,
      get embeddings() {
        return chance.pick(handles);
      },
      values,
      isClosing: false,
    };
    return instance;
  }

  #planFreezes(instances: readonly Instance[], span: number): void {
    const chance = this.#chance;
    const time = this.#time;
    for (let i = chance.between(1, 3); i > 0; i -= 1) {
      const { process } = chance.pick(instances);
      time.after(chance.next() * 1.5 * span, () => {
        const duration = chance.pick([20, 500, 8_000, 20_000]);
        this.#note(`${process.name}: paused for ${duration} ms`);
        time.freeze(process, duration);
      });
    }
  }

  /** What lies under keys of the store, by the versions that they name. */
  #namesOf(records: readonly (readonly [string, Uint8Array])[]) {
    return records.map(([key, record]) => {
      if (key.includes(':docs:')) {
        const [vector] = vectorCodec(this.#dimensions).decodeMany([key], [record]);
        return vector && nameOf(vector, this.#dimensions);
      }
      const [value] = valueCodec.decodeMany([key], [record]);
      return value && nameOfValue(value);
    });
  }

  async #recordsOf(store: SimStore): Promise<(readonly [string, Uint8Array])[]> {
    const keys = [...this.#storedKeys];
    const records = await store.server.getMany(keys);
    return keys.flatMap((key, i) => (records[i] ? [[key, records[i]] as const] : []));
  }

  /** Nothing that was promised is missing when `close` has resolved, or an error was counted. */
  async #checkKept(store: SimStore, instance: Instance, all: readonly Instance[]): Promise<void> {
    if (this.#kind.frozen) return;
    const errors = all.reduce(
      (sum, { cache }) => sum + Object.values(cache.stats()).reduce((count, stats) => count + stats.errors, 0),
      0,
    );
    const names = this.#namesOf(await this.#recordsOf(store));
    const stored = new Set(names.map((name) => name?.key ?? -1));
    const lost = this.#model.lost(instance.process.name, stored);
    if (lost.length > 0 && errors === 0)
      this.violations.push(`lost: ${instance.process.name} has not kept keys ${lost}`);
  }

  /** What is in the store at the end would be served to whoever asks next. */
  async #checkStore(store: SimStore): Promise<void> {
    for (const name of this.#namesOf(await this.#recordsOf(store))) {
      this.#model.served(name?.key ?? -1, name, this.#model.now(), 'whoever asks the store at the end');
    }
  }
}

const valueCodec = createValueCodec<SimValue>({});
const vectorCodecs = new Map<number, ReturnType<typeof createVectorCodec>>();

function vectorCodec(dimensions: number) {
  const known = vectorCodecs.get(dimensions) ?? createVectorCodec({ dimensions });
  vectorCodecs.set(dimensions, known);
  return known;
}
