import type { BusListener, InvalidationBus } from '../../src/backends/bus.js';

/** A bus with one instance on it, which hears itself; the test says when its subscription is ready, and when it is lost. */
export function loneBus(): { bus: InvalidationBus; ready(): void; lost(): void } {
  let listener: BusListener | undefined;
  return {
    bus: {
      subscribe: (given) => {
        listener = given;
        return { renew: () => {}, close: async () => {} };
      },
      publish: async (text) => {
        queueMicrotask(() => listener?.message(text));
        return 1;
      },
    },
    ready: () => listener?.ready(),
    lost: () => listener?.lost(),
  };
}
