import type { BusListener, InvalidationBus } from '../../src/backends/bus.js';

/** One instance's end of a hub. */
export interface HubEnd {
  bus: InvalidationBus;
  /** Its subscription is lost, and returns. */
  lose(): void;
  restore(): void;
}

/** A bus in memory for several instances, in the order in which they publish. It keeps what was published. */
export class HubBus {
  readonly texts: string[] = [];
  readonly #listeners = new Set<BusListener>();

  end(): HubEnd {
    let listener: BusListener | undefined;
    const join = () => {
      if (listener === undefined) return;
      this.#listeners.add(listener);
      listener.ready();
    };
    const leave = () => {
      if (listener !== undefined) this.#listeners.delete(listener);
    };
    const bus: InvalidationBus = {
      subscribe: (given) => {
        listener = given;
        queueMicrotask(join);
        return { renew: () => {}, close: async () => leave() };
      },
      publish: async (text) => {
        this.texts.push(text);
        const listeners = [...this.#listeners];
        for (const each of listeners) setImmediate(() => this.#listeners.has(each) && each.message(text));
        return listeners.length;
      },
    };
    const lose = () => {
      leave();
      listener?.lost();
    };
    return { bus, lose, restore: join };
  }
}
