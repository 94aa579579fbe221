import { randomUUID } from 'node:crypto';
import { type Clock, systemClock } from '../../clock.js';
import { BackendError } from '../../errors.js';
import type { BusSubscription, InvalidationBus } from '../bus.js';
import { type Change, packChange, unpackChange } from '../change.js';

/** How often an instance says that it is there, in milliseconds. */
export const HELLO_INTERVAL = 1000;

/** For how long an instance that has heard its own hello may believe that it hears everything, in milliseconds. */
export const LEASE = 3000;

/** How long a write may be under way that an instance began while it was live, in milliseconds. */
const GRACE = 1000;

/** How long after its last hello an instance can do harm. */
const SILENCE = LEASE + GRACE;

/** When a removal that is still not confirmed is given up, in milliseconds. */
const LONGEST_WAIT = 2 * SILENCE;

/** How long others refrain from keeping what is being removed, in milliseconds: who removes may end before it is done. */
const LONGEST_HOLD = 30_000;

/** What an instance does with what it hears. */
export interface CoherenceHooks {
  /** Drops what is near of a change that another instance has made. */
  drop(change: Change): Promise<void>;
  /**
   * Makes room for a removal that another instance is about to make: nothing of it may be kept near or filled until `release` is
   * called. `dropped` resolves when nothing of before is near, `ready` when nothing is under way to the far tier either.
   */
  hold(change: Change): { dropped: Promise<void>; ready: Promise<void>; release: () => void };
  /** Forgets everything near: changes may have been missed. */
  forget(): Promise<void>;
}

/** One message. `seq` counts all messages of a sender, so that a gap is seen. */
type Message = { from: string; seq: number } & (
  | { hello: number }
  | { bye: true }
  | { change: unknown; confirm?: number; hold?: number; release?: number }
  | { ack: number; to: string }
);

/** A change that is to be confirmed. */
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

/**
 * Keeps the near tiers of several instances true to one far tier.
 *
 * Every instance says hello on the bus, and hears itself: for LEASE after it sent a hello that came back it is *live*, which means
 * that it hears what others say. One that is not live must not answer from what it holds near. So a removal is confirmed when
 * every instance that was heard of lately has acknowledged it, or can no longer be live: from then on nobody serves what was
 * removed. This rests on clocks that run at the same speed, on the bus keeping the order of messages, and on writes that take no
 * longer than GRACE. An instance that has listened for less than that does not know all others yet: until then it goes by the
 * number of subscriptions.
 */
export class Coherence {
  readonly #bus: InvalidationBus;
  readonly #hooks: CoherenceHooks;
  readonly #clock: Clock;
  readonly #id = randomUUID();
  readonly #peers = new Map<string, { heardAt: number; seq: number }>();
  readonly #pending = new Map<number, Pending>();
  /** What others are removing. */
  readonly #holds = new Map<string, { since: number; ready: Promise<void>; release: () => void }>();
  /** When each hello was sent that has not come back. */
  readonly #hellos = new Map<number, number>();
  readonly #subscription: BusSubscription;
  readonly #stopClock: () => void;
  #seq = 0;
  #confirmations = 0;
  #subscribedAt: number | undefined;
  #liveUntil = Number.NEGATIVE_INFINITY;
  #wasLive = false;
  /** What is being dropped from near. */
  #busy = 0;

  constructor(bus: InvalidationBus, hooks: CoherenceHooks, clock: Clock = systemClock) {
    this.#bus = bus;
    this.#hooks = hooks;
    this.#clock = clock;
    this.#stopClock = clock.every(HELLO_INTERVAL, () => this.#tick());
    this.#subscription = bus.subscribe({
      message: (text) => this.#hear(text),
      ready: () => this.#subscribed(),
      lost: () => this.#lose(),
    });
  }

  /** Whether it knows that it hears the others. */
  get isLive(): boolean {
    if (this.#clock.now() < this.#liveUntil) return true;
    this.#expire();
    return false;
  }

  /** Whether what is held near may be served. */
  get isNearSound(): boolean {
    return this.isLive && this.#busy === 0;
  }

  /**
   * Whether what was computed here may be stored: what others removed meanwhile has been heard of. True also for one that never was
   * live: where nobody can subscribe, the cache is still to be of use.
   */
  get mayStore(): boolean {
    return this.isLive || !this.#wasLive;
  }

  /** Whether it has been live since it was made. */
  get wasLive(): boolean {
    return this.#wasLive;
  }

  /** Tells the others of a change, and waits for nobody. */
  announce(change: Change): void {
    if (this.#peers.size > 0 || !this.isLive) this.#send({ change: packChange(change) }).catch(() => {});
  }

  /**
   * Runs a removal from the far tier so that, when it resolves, no instance serves anything of before it: first all others drop
   * what they hold and what they are about to write, and refrain; then `remove` runs; then they drop once more, since one may have
   * come to life in between. Rejects with what `remove` does, and with `BackendError` where an instance does not confirm.
   */
  async remove<T>(change: Change, remove: () => Promise<T>): Promise<T> {
    const packed = packChange(change);
    for (;;) {
      const hold = ++this.#confirmations;
      // What cannot be confirmed is removed all the same, as far as it goes.
      const failure = await this.#confirm(hold, { change: packed, hold }).catch((error: BackendError) => error);
      const since = this.#clock.now();
      let result: T;
      try {
        result = await remove();
        if (failure) throw failure;
      } catch (error) {
        this.#send({ change: packed, release: hold }).catch(() => {});
        throw error;
      }
      await this.#confirm(++this.#confirmations, { change: packed, release: hold });
      if (this.#clock.now() - since < LONGEST_HOLD / 2) return result;
    }
  }

  async close(): Promise<void> {
    this.#stopClock();
    this.#liveUntil = Number.NEGATIVE_INFINITY;
    for (const { settle } of this.#pending.values())
      settle(new BackendError('closed before others confirmed a removal'));
    if (this.#subscribedAt !== undefined) await this.#send({ bye: true }).catch(() => {});
    await this.#subscription.close();
  }

  #subscribed(): void {
    this.#subscribedAt = this.#clock.now();
    this.#peers.clear();
    this.#hellos.clear();
    this.#forget();
    this.#hello();
    for (const [id, pending] of this.#pending) {
      pending.isEchoed = false;
      this.#ask(id, pending);
    }
  }

  #lose(): void {
    this.#subscribedAt = undefined;
    this.#hellos.clear();
    this.#liveUntil = Number.NEGATIVE_INFINITY;
    this.#forget();
  }

  /** Others may have confirmed changes without this instance. */
  #expire(): void {
    if (this.#liveUntil === Number.NEGATIVE_INFINITY) return;
    this.#liveUntil = Number.NEGATIVE_INFINITY;
    this.#forget();
  }

  #tick(): void {
    const now = this.#clock.now();
    if (now >= this.#liveUntil) this.#expire();
    const oldest = this.#hellos.values().next().value;
    if (oldest !== undefined && now - oldest >= LEASE) this.#subscription.renew();
    for (const [id, { heardAt }] of this.#peers) if (now - heardAt >= SILENCE) this.#peers.delete(id);
    for (const [id, { since, release }] of this.#holds) {
      if (now - since < LONGEST_HOLD) continue;
      this.#holds.delete(id);
      release();
    }
    if (this.#subscribedAt !== undefined) this.#hello();
    for (const [id, pending] of this.#pending) {
      this.#judge(pending);
      if (this.#pending.has(id)) this.#ask(id, pending);
    }
  }

  #hello(): void {
    const number = this.#seq + 1;
    this.#hellos.set(number, this.#clock.now());
    this.#send({ hello: number }).catch(() => {});
  }

  /** Resolves when everybody has done what a message says, or can no longer do harm. */
  #confirm(id: number, content: Record<string, unknown>): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      const pending: Pending = {
        content,
        startedAt: this.#clock.now(),
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
      this.#ask(id, pending);
    });
  }

  #ask(id: number, pending: Pending): void {
    this.#send({ ...pending.content, confirm: id }).then(
      (receivers) => {
        pending.sentAt ??= this.#clock.now();
        pending.receivers = receivers ?? Number.POSITIVE_INFINITY;
        this.#judge(pending);
      },
      () => {},
    );
  }

  /** Settles a confirmation that is complete, or hopeless. */
  #judge(pending: Pending): void {
    const now = this.#clock.now();
    const { startedAt, sentAt, isEchoed, receivers, acks, settle } = pending;
    if (sentAt === undefined || !isEchoed) {
      // Who heard a hello of its own after the message has heard the message before it.
      if (sentAt !== undefined && now - sentAt >= SILENCE && this.#subscribedAt === undefined) settle();
      else if (now - startedAt >= LONGEST_WAIT) settle(notConfirmed());
      return;
    }
    const knowsAll = now - (this.#subscribedAt ?? now) >= SILENCE || acks.size + 1 >= receivers;
    const isMissing = [...this.#peers].some(([id, { heardAt }]) => !acks.has(id) && now - heardAt < SILENCE);
    if (knowsAll && !isMissing) settle();
    else if (now - startedAt >= LONGEST_WAIT) settle(notConfirmed());
  }

  #hear(text: string): void {
    const message = parse(text);
    if (message === undefined) return;
    if (message.from === this.#id) {
      this.#hearSelf(message);
      return;
    }
    const known = this.#peers.get(message.from);
    // What a peer said in between did not arrive.
    if (known && message.seq > known.seq + 1) this.#forget();
    if ('bye' in message) this.#peers.delete(message.from);
    else this.#peers.set(message.from, { heardAt: this.#clock.now(), seq: message.seq });
    if ('ack' in message && message.to === this.#id) {
      const pending = this.#pending.get(message.ack);
      pending?.acks.add(message.from);
    } else if ('change' in message) this.#take(message);
    for (const pending of this.#pending.values()) this.#judge(pending);
  }

  #hearSelf(message: Message): void {
    if ('hello' in message) {
      const sentAt = this.#hellos.get(message.hello);
      this.#hellos.delete(message.hello);
      if (sentAt === undefined) return;
      this.#liveUntil = Math.max(this.#liveUntil, sentAt + LEASE);
      this.#wasLive = true;
    } else if ('change' in message && message.confirm !== undefined) {
      const pending = this.#pending.get(message.confirm);
      if (pending) {
        pending.isEchoed = true;
        this.#judge(pending);
      }
    }
  }

  #take(message: Message & { change: unknown; confirm?: number; hold?: number; release?: number }): void {
    const { from, confirm, hold, release } = message;
    const change = unpackChange(message.change);
    if (change === undefined) return;
    const done = hold === undefined ? this.#during(this.#hooks.drop(change)) : this.#hold(`${from} ${hold}`, change);
    if (release !== undefined) {
      this.#holds.get(`${from} ${release}`)?.release();
      this.#holds.delete(`${from} ${release}`);
    }
    done
      .then(() => (confirm === undefined ? undefined : this.#send({ ack: confirm, to: from })))
      // Who is not told asks again.
      .catch(() => {});
  }

  #hold(id: string, change: Change): Promise<void> {
    const known = this.#holds.get(id);
    if (known) return known.ready;
    const held = { since: this.#clock.now(), ...this.#hooks.hold(change) };
    this.#holds.set(id, held);
    return Promise.all([this.#during(held.dropped), held.ready]).then(() => {});
  }

  #forget(): void {
    this.#during(this.#hooks.forget()).catch(() => {});
  }

  async #during<T>(work: Promise<T>): Promise<T> {
    this.#busy += 1;
    try {
      return await work;
    } finally {
      this.#busy -= 1;
    }
  }

  #send(content: Record<string, unknown>): Promise<number | undefined> {
    this.#seq += 1;
    return this.#bus.publish(JSON.stringify({ from: this.#id, seq: this.#seq, ...content }));
  }
}

function notConfirmed(): BackendError {
  return new BackendError('removed, but not every instance confirmed that it no longer holds it');
}

/** Undefined for what is no message of ours. */
function parse(text: string): Message | undefined {
  try {
    const message = JSON.parse(text);
    return typeof message?.from === 'string' && typeof message.seq === 'number' ? message : undefined;
  } catch {
    return undefined;
  }
}
