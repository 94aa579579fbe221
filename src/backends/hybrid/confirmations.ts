import { inBackground } from '../../async/attempt.js';
import type { Clock } from '../../clock.js';
import { BackendError } from '../../errors.js';

/** A message that is to be acknowledged by everybody. */
interface Pending {
  content: Record<string, unknown>;
  startedAt: number;
  /** Since when it is certain that it was sent. */
  sentAt: number | undefined;
  /** Whether our own message came back: then everybody who was there before it is known. */
  isEchoed: boolean;
  /** How many subscriptions it was handed to, ours included. */
  receivers: number;
  acks: Set<string>;
  settle: (error?: BackendError) => void;
}

/** What the confirmations need of the instance. */
interface Instance {
  clock: Clock;
  /** How long after it was heard of last an instance can do harm, in milliseconds. */
  silence: number;
  /** Resolves to the number of receivers, where that is known. */
  send(content: Record<string, unknown>): Promise<number | undefined>;
  /** Since when this instance listens. */
  subscribedAt(): number | undefined;
  /** When each other instance was heard of last. */
  peers(): ReadonlyMap<string, { heardAt: number }>;
}

/** Messages of this instance that wait until everybody has done what they say. */
export class Confirmations {
  readonly #instance: Instance;
  readonly #pending = new Map<number, Pending>();
  #count = 0;

  constructor(instance: Instance) {
    this.#instance = instance;
  }

  /**
   * Resolves when everybody has done what a message says, or can no longer do harm. Rejects with
   * `BackendError` where that cannot be known after twice that time.
   */
  ask(content: Record<string, unknown>): Promise<void> {
    const id = ++this.#count;
    return new Promise<void>((resolve, reject) => {
      const pending: Pending = {
        content: { ...content, confirm: id },
        startedAt: this.#instance.clock.now(),
        sentAt: undefined,
        isEchoed: false,
        receivers: Number.POSITIVE_INFINITY,
        acks: new Set(),
        settle: (error) => {
          this.#pending.delete(id);
          if (error) reject(error);
          else resolve();
        },
      };
      this.#pending.set(id, pending);
      this.#send(pending);
    });
  }

  /** Subscribed anew: whoever is there now is to hear of what still waits. */
  askAgain(): void {
    for (const pending of this.#pending.values()) {
      pending.isEchoed = false;
      this.#send(pending);
    }
  }

  /** Asks whoever has not answered once more. */
  tick(): void {
    this.judge();
    for (const pending of this.#pending.values()) this.#send(pending);
  }

  echoed(id: number): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    pending.isEchoed = true;
    this.#judge(pending);
  }

  acknowledged(id: number, by: string): void {
    const pending = this.#pending.get(id);
    if (pending === undefined) return;
    pending.acks.add(by);
    this.#judge(pending);
  }

  /** Settles those that are complete, or hopeless. */
  judge(): void {
    for (const pending of this.#pending.values()) this.#judge(pending);
  }

  /** All of them fail. */
  fail(error: BackendError): void {
    for (const { settle } of this.#pending.values()) settle(error);
  }

  #send(pending: Pending): void {
    inBackground(async () => {
      const receivers = await this.#instance.send(pending.content);
      pending.sentAt ??= this.#instance.clock.now();
      pending.receivers = receivers ?? Number.POSITIVE_INFINITY;
      this.#judge(pending);
    });
  }

  #judge({ startedAt, sentAt, isEchoed, receivers, acks, settle }: Pending): void {
    const { silence, clock, subscribedAt, peers } = this.#instance;
    const now = clock.now();
    const isHopeless = now - startedAt >= 2 * silence;
    if (sentAt === undefined || !isEchoed) {
      // Who heard a hello of its own after the message has heard the message before it.
      if (sentAt !== undefined && now - sentAt >= silence && subscribedAt() === undefined) settle();
      else if (isHopeless) settle(notConfirmed());
      return;
    }
    const knowsAll = now - (subscribedAt() ?? now) >= silence || acks.size + 1 >= receivers;
    const isMissing = [...peers()].some(([id, { heardAt }]) => !acks.has(id) && now - heardAt < silence);
    if (knowsAll && !isMissing) settle();
    else if (isHopeless) settle(notConfirmed());
  }
}

function notConfirmed(): BackendError {
  return new BackendError('removed, but not every instance confirmed that it no longer holds it');
}
