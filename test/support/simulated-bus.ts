import type { BusListener, BusSubscription, InvalidationBus } from '../../src/backends/bus.js';
import type { Process, World } from './simulation.js';

/** One instance's end of a bus. */
export interface FarBusEnd extends InvalidationBus {
  /** Nothing arrives any more, and it takes its time until anybody notices. */
  breakSilently(): void;
  /** Whether nothing arrives. */
  readonly isDeaf: boolean;
}

interface Line {
  listener: BusListener;
  isBroken: boolean;
  deliveredUntil: number;
}

/** A bus as a server carries it: in the order of each sender, late, and not at all where a connection is broken. */
export class FarBus {
  readonly #world: World;
  readonly #losses: number;
  readonly #lines = new Map<Line, Process>();
  readonly #ends = new Set<FarBusEnd>();

  /** @param losses the share of messages that do not arrive although their line is sound */
  constructor(world: World, losses = 0) {
    this.#world = world;
    this.#losses = losses;
  }

  /** All lines break. */
  breakAll(): void {
    for (const end of this.#ends) end.breakSilently();
  }

  /** One instance's end of it. */
  client(process: Process): FarBusEnd {
    const world = this.#world;
    let line: Line | undefined;
    let sentUntil = 0;
    let lose = () => {};
    const end: FarBusEnd = {
      subscribe: (listener): BusSubscription => {
        let isClosed = false;
        const open = () => {
          if (isClosed) return;
          const made: Line = { listener, isBroken: false, deliveredUntil: 0 };
          line = made;
          this.#lines.set(made, process);
          process.after(world.between(1, 30), () => !made.isBroken && line === made && listener.ready());
        };
        lose = () => {
          if (line === undefined) return;
          this.#lines.delete(line);
          line = undefined;
          listener.lost();
          process.after(world.between(1, 3000), open);
        };
        open();
        return {
          renew: () => lose(),
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
        for (const [each, to] of lines) {
          each.deliveredUntil = Math.max(each.deliveredUntil, world.now + world.between(1, 40));
          if (this.#losses > 0 && world.chance() < this.#losses) continue;
          to.after(each.deliveredUntil - world.now, () => {
            if (!each.isBroken && this.#lines.has(each)) each.listener.message(text);
          });
        }
        await process.wait(world.between(1, 40));
        return lines.length;
      },
      get isDeaf() {
        return line === undefined || line.isBroken;
      },
      breakSilently: () => {
        const broken = line;
        if (broken === undefined) return;
        broken.isBroken = true;
        process.after(world.between(1, 6000), () => {
          if (line === broken) lose();
        });
      },
    };
    this.#ends.add(end);
    return end;
  }
}
