import type {
  BackendEntry,
  BackendLeases,
  BackendLocks,
  CacheBackend,
  ReadContext,
} from '../../src/backends/backend.js';
import { MemoryBackend } from '../../src/backends/memory/memory.js';
import { BackendError, ClosedError } from '../../src/errors.js';
import type { Chance } from './sim-chance.js';
import type { SimProcess, SimTime } from './sim-time.js';

/** What the network and the store do to calls. */
export interface Weather {
  /** The longest way of a message when all is well, in milliseconds. */
  delay: number;
  /** The share of calls that something happens to. */
  faults: number;
  /** Whether a call that was given up may still be done later. A store without fences cannot promise anything then. */
  lateCalls: boolean;
  /** Whether the messages of one process keep their order. */
  inOrder: boolean;
  /** Whether a reader is told that an answer is on its way. */
  tellsProgress: boolean;
  /** Whether reads heed their signal. */
  heedsSignals: boolean;
  /** While the store is away: from and to, in milliseconds. */
  outages: readonly (readonly [number, number])[];
}

/** How long a client waits for an answer at most, in milliseconds. */
const CLIENT_TIMEOUT = 12_000;
const SLOWEST = 8_000;
/** How often a slow answer is heard of, in milliseconds. */
const PROGRESS = 100;

/** What happens to a call: whether and how long after it was sent the server does it, and what the client hears, and when. */
interface Fate {
  doneAfter: number;
  answeredAfter: number;
  error: string | undefined;
  isPartial: boolean;
  isSlow: boolean;
}

/** A store with locks and leases, as each process sees it over a network of its own. */
export class SimStore {
  readonly server = new MemoryBackend();
  /** Is told of what was stored, when it was. */
  onStored: (entries: readonly BackendEntry[]) => void = () => {};
  readonly #time: SimTime;
  readonly #chance: Chance;
  readonly #weather: Weather;
  readonly #log: (what: string) => void;

  constructor(time: SimTime, chance: Chance, weather: Weather, log: (what: string) => void) {
    this.#time = time;
    this.#chance = chance;
    this.#weather = weather;
    this.#log = log;
  }

  /** @param fenced whether it has locks and leases */
  view(process: SimProcess, fenced: boolean): CacheBackend {
    const { server } = this;
    let isClosed = false;
    const order = { sent: 0, answered: 0 };
    const call = async <T>(what: string, work: () => Promise<T>, read?: Read<T>): Promise<T> => {
      if (isClosed) throw new ClosedError('SimStore');
      return this.#call(process, order, what, work, read);
    };
    const stored = (entries: readonly BackendEntry[]) => this.onStored(entries);
    const leases: BackendLeases = {
      acquire: (names, holder, ttlMs) => {
        const asked = [...names];
        return call(`lease ${asked.length}`, () => server.leases.acquire(asked, holder, ttlMs));
      },
      release: (names, holder) => {
        const asked = [...names];
        return call(`release ${asked.length}`, () => server.leases.release(asked, holder));
      },
    };
    const locks: BackendLocks = {
      acquire: (keys, holder, ttlMs, options) => {
        const asked = [...keys];
        return call(`lock${options?.force ? ' by force' : ''} ${asked.length}`, () =>
          server.locks.acquire(asked, holder, ttlMs, options),
        );
      },
      renew: (keys, holder, ttlMs) => {
        const asked = [...keys];
        return call(`renew ${asked.length}`, () => server.locks.renew(asked, holder, ttlMs));
      },
      setMany: (entries, holder) => {
        const own = copied(entries);
        return call(`store what is locked ${own.length}`, async () => {
          const answers = await server.locks.setMany(own, holder);
          stored(own.filter((_, i) => answers[i]));
          return answers;
        });
      },
      release: (keys, holder) => {
        const asked = [...keys];
        return call(`unlock ${asked.length}`, () => server.locks.release(asked, holder));
      },
    };
    return {
      ...(fenced && { leases, locks }),
      getMany: (keys, context) => {
        const asked = [...keys];
        const nothing = () => asked.map(() => undefined);
        return call(`read ${asked.length}`, () => server.getMany(asked), { context, nothing });
      },
      setMany: (entries) => {
        const own = copied(entries);
        return call(`store ${own.length}`, async () => {
          await server.setMany(own);
          stored(own);
        });
      },
      deleteMany: (keys) => {
        const asked = [...keys];
        return call(`delete ${asked.length}`, () => server.deleteMany(asked));
      },
      clear: (prefix) => call('clear', () => server.clear(prefix)),
      health: async () => ({ ok: true, latencyMs: 0 }),
      close: async () => {
        isClosed = true;
      },
    };
  }

  #call<T>(
    process: SimProcess,
    order: { sent: number; answered: number },
    what: string,
    work: () => Promise<T>,
    read?: Read<T>,
  ): Promise<T> {
    const time = this.#time;
    const fate = this.#fate();
    const inOrder = (kind: 'sent' | 'answered', delay: number) => {
      if (!this.#weather.inOrder || delay > this.#weather.delay) return delay;
      order[kind] = Math.max(order[kind], time.now + delay);
      return order[kind] - time.now;
    };
    const note = (happened: string) => this.#log(`${process.name}: ${what}: ${happened}`);
    return new Promise<T>((resolve, reject) => {
      const signal = read?.context?.signal;
      let answer: T | undefined;
      const giveUp = () => {
        note('given up');
        read?.context?.onPartialFailure(new BackendError('given up'));
        resolve(answer ?? (read?.nothing() as T));
      };
      if (signal && this.#weather.heedsSignals) signal.addEventListener('abort', giveUp, { once: true });
      const hear = (settle: () => void) => () => {
        signal?.removeEventListener('abort', giveUp);
        settle();
      };
      if (fate.error !== undefined) {
        const error = new BackendError(fate.error);
        const told = hear(() => {
          note(error.message);
          reject(error);
        });
        time.after(fate.answeredAfter, told, process);
      }
      if (fate.doneAfter === Number.POSITIVE_INFINITY) return;
      for (let at = PROGRESS; this.#weather.tellsProgress && fate.isSlow && at < fate.answeredAfter; at += PROGRESS) {
        time.after(at, () => read?.context?.onProgress?.(), process);
      }
      time.after(inOrder('sent', fate.doneAfter), () => {
        note('done');
        void work().then((result) => {
          answer = fate.isPartial && read ? (this.#part(result as Row[]) as T) : result;
          if (fate.error !== undefined) return;
          const told = hear(() => {
            if (fate.isPartial) read?.context?.onPartialFailure(new BackendError('a part failed'));
            note('answered');
            resolve(answer as T);
          });
          time.after(inOrder('answered', fate.answeredAfter - fate.doneAfter), told, process);
        });
      });
    });
  }

  #part(rows: Row[]): Row[] {
    return rows.map((row) => (this.#chance.is(0.5) ? row : undefined));
  }

  #fate(): Fate {
    const chance = this.#chance;
    const { delay, faults, lateCalls, outages } = this.#weather;
    const way = () => 0.1 + chance.next() * delay;
    const there = way();
    const back = there + way();
    const never = Number.POSITIVE_INFINITY;
    const well: Fate = { doneAfter: there, answeredAfter: back, error: undefined, isPartial: false, isSlow: false };
    const { now } = this.#time;
    if (outages.some(([from, to]) => from <= now && now < to)) {
      return { ...well, doneAfter: never, error: 'the store is away' };
    }
    if (!chance.is(faults)) return well;
    const slow = chance.between(100, SLOWEST);
    const fates: Fate[] = [
      { ...well, doneAfter: never, error: 'failed before it was done' },
      { ...well, error: 'failed after it was done' },
      { ...well, doneAfter: never, answeredAfter: CLIENT_TIMEOUT, error: 'the request was lost' },
      { ...well, answeredAfter: CLIENT_TIMEOUT, error: 'the answer was lost' },
      { ...well, answeredAfter: there + slow, isSlow: true },
      { ...well, doneAfter: slow, answeredAfter: slow + back },
      { ...well, isPartial: true },
      { ...well, isPartial: true },
    ];
    if (lateCalls) {
      const late = chance.between(1, 2 * CLIENT_TIMEOUT);
      fates.push(
        { ...well, doneAfter: back + late, error: 'the connection was cut, and the call is still on its way' },
        { ...well, doneAfter: CLIENT_TIMEOUT + late, answeredAfter: CLIENT_TIMEOUT, error: 'no answer in time' },
      );
    }
    return chance.pick(fates);
  }
}

type Row = Uint8Array | undefined;

interface Read<T> {
  context: ReadContext | undefined;
  /** The answer of whoever has nothing. */
  nothing: () => T;
}

/** What is on its way must not change with what the caller has. */
function copied(entries: readonly BackendEntry[]): BackendEntry[] {
  return entries.map((entry) => ({ ...entry, value: entry.value.slice() }));
}
