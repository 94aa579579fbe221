import { inBackground } from '../../async/attempt.js';
import type { BusListener, BusSubscription, InvalidationBus } from '../bus.js';

interface Upper {
  listener: BusListener;
  /** The last delivery: it hears everything in order. */
  delivered: Promise<unknown>;
}

/**
 * The bus of a `HybridBackend`, as a tier before it hears it: over the same subscription, and each
 * message only after the tiers behind have done what it says. Otherwise the one before could copy
 * from them what they are just about to drop.
 */
export class BusRelay implements InvalidationBus {
  readonly #bus: InvalidationBus;
  readonly #renew: () => void;
  readonly #uppers = new Set<Upper>();
  /** Counts subscriptions: what is late of an earlier one is delivered to nobody. */
  #subscription = 0;
  #isReady = false;

  /** @param renew gives the subscription up and makes a new one */
  constructor(bus: InvalidationBus, renew: () => void) {
    this.#bus = bus;
    this.#renew = renew;
  }

  publish(text: string): Promise<number | undefined> {
    return this.#bus.publish(text);
  }

  subscribe(listener: BusListener): BusSubscription {
    const upper: Upper = { listener, delivered: Promise.resolve() };
    this.#uppers.add(upper);
    if (this.#isReady) this.#deliver(upper, () => listener.ready());
    return {
      renew: () => this.#renew(),
      close: async () => {
        this.#uppers.delete(upper);
      },
    };
  }

  ready(): void {
    this.#isReady = true;
    for (const upper of this.#uppers) this.#deliver(upper, () => upper.listener.ready());
  }

  /** Nothing waits for this one. */
  lost(): void {
    this.#isReady = false;
    this.#subscription += 1;
    for (const { listener } of this.#uppers) inBackground(() => listener.lost());
  }

  /** @param done resolves when the tiers behind have done what it says */
  message(text: string, done: Promise<unknown>): void {
    for (const upper of this.#uppers) this.#deliver(upper, () => upper.listener.message(text), done);
  }

  #deliver(upper: Upper, deliver: () => void, done?: Promise<unknown>): void {
    const subscription = this.#subscription;
    const delivered = async () => {
      await done?.catch(() => {});
      if (subscription === this.#subscription && this.#uppers.has(upper)) deliver();
    };
    upper.delivered = upper.delivered.then(delivered).catch(() => {});
  }
}
