import type { QueueEvent } from '../events.js';

/** Adds up what the queues hold that are open. */
export class OpenQueues {
  readonly #queues = new Map<number, QueueEvent>();

  /** Records what a queue told; returns how many entries it has lost since it told last. */
  record(event: QueueEvent): number {
    const lost = event.dropped - (this.#queues.get(event.id)?.dropped ?? 0);
    if (event.closed) this.#queues.delete(event.id);
    else this.#queues.set(event.id, event);
    return lost;
  }

  get entries(): number {
    return this.#sum(({ queued }) => queued);
  }

  get bytes(): number {
    return this.#sum(({ queuedBytes }) => queuedBytes);
  }

  /** The most bytes that they take together; 0 where there is none. */
  get limitBytes(): number {
    return this.#sum(({ maxBytes }) => maxBytes);
  }

  #sum(of: (event: QueueEvent) => number): number {
    let sum = 0;
    for (const event of this.#queues.values()) sum += of(event);
    return sum;
  }
}
