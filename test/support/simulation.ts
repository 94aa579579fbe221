import { seeded } from '../../bench/vectors.js';
import type { BackendEntry, CacheBackend } from '../../src/backends/backend.js';
import type { BusListener, BusSubscription, InvalidationBus } from '../../src/backends/bus.js';
import type { Clock } from '../../src/clock.js';
import { BackendError } from '../../src/errors.js';

/** A world whose time and chance are made: the same seed gives the same events in the same order. Times in milliseconds. */
export class World {
  now = 0;
  readonly #events: { at: number; order: number; run: () => void }[] = [];
  #order = 0;
  /** A number of 0 to 1. */
  readonly chance: () => number;

  constructor(seed: number) {
    this.chance = seeded(seed);
  }

  between(least: number, most: number): number {
    return least + Math.floor(this.chance() * (most - least + 1));
  }

  pick<T>(items: readonly T[]): T {
    return items[this.between(0, items.length - 1)] as T;
  }

  after(delay: number, run: () => void): void {
    const event = { at: this.now + delay, order: this.#order++, run };
    const place = this.#events.findIndex(({ at }) => at > event.at);
    this.#events.splice(place < 0 ? this.#events.length : place, 0, event);
  }

  wait(delay: number): Promise<void> {
    return new Promise((resolve) => this.after(delay, resolve));
  }

  /** Runs events until `isOver`, everything that follows from one before the next. Throws past `limit`. */
  async run(isOver: () => boolean, limit: number): Promise<void> {
    while (!isOver()) {
      const event = this.#events.shift();
      if (event === undefined || event.at > limit) throw new Error(`still not over at ${event?.at}`);
      this.now = event.at;
      event.run();
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** A clock that runs with this world, of a process that is so often busy and late. */
  clock(lateness = 0.1): Clock {
    return {
      now: () => this.now,
      every: (interval, tick) => {
        let isOver = false;
        const again = () => {
          if (isOver) return;
          tick();
          this.after(this.chance() < lateness ? this.between(interval, 8 * interval) : interval, again);
        };
        this.after(this.between(1, interval), again);
        return () => {
          isOver = true;
        };
      },
    };
  }
}

/** A store far away that several clients share. Calls take time before they are done and after, and overtake one another. */
export class FarStore {
  readonly records = new Map<string, Uint8Array>();
  readonly #world: World;
  readonly #failures: number;

  /** @param failures the share of calls that fail, before or after they were done */
  constructor(world: World, failures: number) {
    this.#world = world;
    this.#failures = failures;
  }

  client(): CacheBackend {
    const { records } = this;
    const removed = (keys: readonly string[]) => keys.filter((key) => records.delete(key)).length;
    return {
      isolatesFailures: true,
      getMany: (keys) => this.#call(() => keys.map((key) => records.get(key))),
      setMany: (entries: readonly BackendEntry[]) =>
        this.#call(() => {
          for (const { key, value } of entries) records.set(key, value);
        }),
      deleteMany: (keys) => this.#call(() => removed(keys)),
      clear: (prefix) => this.#call(() => removed([...records.keys()].filter((key) => key.startsWith(prefix)))),
      health: async () => ({ ok: true, latencyMs: 0 }),
      close: async () => {},
    };
  }

  async #call<T>(work: () => T): Promise<T> {
    const world = this.#world;
    await world.wait(world.between(1, 60));
    if (world.chance() < this.#failures) throw new BackendError('failed before it was done');
    const result = work();
    await world.wait(world.between(1, 60));
    if (world.chance() < this.#failures) throw new BackendError('failed after it was done');
    return result;
  }
}

/** One instance's end of a bus. */
export interface FarBusEnd extends InvalidationBus {
  /** Nothing arrives any more, and it takes its time until anybody notices. */
  breakSilently(): void;
  /** Whether nothing arrives. */
  readonly isDeaf: boolean;
}

/** A bus as a server carries it: in the order of each sender, late, and not at all where a connection is broken. */
export class FarBus {
  readonly #world: World;
  readonly #lines = new Set<Line>();

  constructor(world: World) {
    this.#world = world;
  }

  /** One instance's end of it. */
  client(): FarBusEnd {
    const world = this.#world;
    let line: Line | undefined;
    let sentUntil = 0;
    return {
      subscribe: (listener): BusSubscription => {
        let isClosed = false;
        const open = () => {
          if (isClosed) return;
          const made: Line = { listener, isBroken: false, deliveredUntil: 0 };
          line = made;
          this.#lines.add(made);
          world.after(world.between(1, 30), () => !made.isBroken && line === made && listener.ready());
        };
        const lose = () => {
          if (line === undefined) return;
          this.#lines.delete(line);
          line = undefined;
          listener.lost();
          world.after(world.between(1, 3000), open);
        };
        open();
        Object.assign(listener, { lose });
        return {
          renew: lose,
          close: async () => {
            isClosed = true;
            if (line) this.#lines.delete(line);
            line = undefined;
          },
        };
      },
      publish: async (text) => {
        sentUntil = Math.max(sentUntil, world.now + world.between(1, 40));
        await world.wait(sentUntil - world.now);
        const lines = [...this.#lines];
        for (const each of lines) {
          each.deliveredUntil = Math.max(each.deliveredUntil, world.now + world.between(1, 40));
          world.after(each.deliveredUntil - world.now, () => {
            if (!each.isBroken && this.#lines.has(each)) each.listener.message(text);
          });
        }
        await world.wait(world.between(1, 40));
        return lines.length;
      },
      get isDeaf() {
        return line === undefined || line.isBroken;
      },
      breakSilently: () => {
        const broken = line;
        if (broken === undefined) return;
        broken.isBroken = true;
        world.after(world.between(1, 6000), () => {
          if (line === broken) (broken.listener as BusListener & { lose(): void }).lose();
        });
      },
    };
  }
}

interface Line {
  listener: BusListener;
  isBroken: boolean;
  deliveredUntil: number;
}
