/** Who listens on a bus. */
export interface BusListener {
  message(text: string): void;
  /** Subscribed: what is published from now on arrives. Comes again after each loss. */
  ready(): void;
  /** From some time before now messages may have been missed. */
  lost(): void;
}

export interface BusSubscription {
  /** Gives the subscription up and makes a new one: nothing was heard on it for too long. */
  renew(): void;
  close(): Promise<void>;
}

/**
 * A channel on which the processes that share a store tell one another what has changed: text
 * reaches every subscriber, who published it included, in the order in which each publisher sent
 * it, until a subscription is lost.
 */
export interface InvalidationBus {
  /** Begins to listen, and tries again for ever where that is lost. */
  subscribe(listener: BusListener): BusSubscription;
  /**
   * Resolves to how many subscriptions it was handed to, where that is known. Rejects with
   * `BackendError` where it may not have been sent. Calls that follow one another without waiting
   * keep their order.
   */
  publish(text: string): Promise<number | undefined>;
}
