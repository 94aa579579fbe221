import { randomUUID } from 'node:crypto';
import { attempt, inBackground } from '../../async/attempt.js';
import type { Clock } from '../../clock.js';
import { BackendError } from '../../errors.js';
import type { BusSubscription, InvalidationBus } from '../bus.js';
import { type Change, packChange, splitChange } from '../change.js';
import { BusRelay } from './bus-relay.js';
import { Confirmations } from './confirmations.js';
import { changeOf, type Message, parseMessage } from './messages.js';

/** How often an instance says that it is there, in milliseconds. */
export const HELLO_INTERVAL = 1000;

/**
 * For how long an instance that has heard its own hello may believe that it hears everything, in
 * milliseconds.
 */
export const LEASE = 3000;

/**
 * How long a write without a lock may be under way that an instance began while it was live, in
 * milliseconds.
 */
export const GRACE = 1000;

/** How long after its last hello an instance can do harm. */
export const SILENCE = LEASE + GRACE;

/** The most characters of keys in one message. */
const MAX_MESSAGE = 32 * 1024;

/** What an instance does with what it hears. */
export interface CoherenceHooks {
  /**
   * Drops what L1 and the queue hold of a change that another instance makes. Where that is a
   * removal it resolves when nothing from before it can reach L2 any more.
   */
  drop(change: Change, isRemoval: boolean): Promise<unknown>;
  /** Forgets everything in L1: changes may have been missed. */
  forget(): Promise<unknown>;
}

/** A time during which an instance is live without interruption. Undefined: it is not. */
export type LiveMark = number | undefined;

/**
 * Keeps the L1 of several instances consistent with the L2 that they share.
 *
 * Every instance says hello on the bus, and hears itself: for LEASE after it sent a hello that came
 * back it is *live*, which means that it hears what others say. One that is not live must not
 * answer from its L1. So a change is confirmed when every instance that was heard of lately has
 * acknowledged it, or can no longer be live. This rests on clocks that run at the same speed, on
 * the bus keeping the order of messages, and, where the L2 has no locks, on writes that take no
 * longer than GRACE. An instance that has listened for less than SILENCE does not know all others
 * yet: until then it goes by the number of subscriptions.
 */
export class Coherence {
  /** For tiers before these. */
  readonly relay: BusRelay;
  readonly #bus: InvalidationBus;
  readonly #hooks: CoherenceHooks;
  readonly #clock: Clock;
  readonly #id = randomUUID();
  readonly #peers = new Map<string, { heardAt: number; seq: number }>();
  readonly #confirmations: Confirmations;
  /** When each hello was sent that has not come back. */
  readonly #hellos = new Map<number, number>();
  readonly #stopClock: () => void;
  #subscription: BusSubscription | undefined;
  #isClosed = false;
  #seq = 0;
  #subscribedAt: number | undefined;
  #liveUntil = Number.NEGATIVE_INFINITY;
  #wasLive = false;
  /** Counts interruptions of being live. */
  #interruptions = 0;

  constructor(bus: InvalidationBus, hooks: CoherenceHooks, clock: Clock) {
    this.#bus = bus;
    this.#hooks = hooks;
    this.#clock = clock;
    this.relay = new BusRelay(bus, () => this.#renew());
    this.#confirmations = new Confirmations({
      clock,
      silence: SILENCE,
      send: (content) => this.#send(content),
      subscribedAt: () => this.#subscribedAt,
      peers: () => this.#peers,
    });
    this.#stopClock = clock.every(HELLO_INTERVAL, () => this.#tick());
    this.#subscribe();
  }

  /** Whether it knows that it hears the others. */
  get isLive(): boolean {
    if (this.#clock.now() < this.#liveUntil) return true;
    this.#expire();
    return false;
  }

  /** Whether it has been live since it was made. */
  get wasLive(): boolean {
    return this.#wasLive;
  }

  /**
   * Whether what was computed here may be stored: what others removed meanwhile has been heard of.
   * True also for one that never was live: where nobody can subscribe, the cache is still to be of
   * use.
   */
  get mayStore(): boolean {
    return this.isLive || !this.#wasLive;
  }

  /** The time since which it is live. */
  mark(): LiveMark {
    return this.isLive ? this.#interruptions : undefined;
  }

  /**
   * Whether it has been live without interruption since `mark` was taken: what others removed
   * meanwhile has been heard of.
   */
  isLiveSince(mark: LiveMark): boolean {
    return mark !== undefined && this.isLive && mark === this.#interruptions;
  }

  /**
   * Tells the others of a change, and waits for nobody: who has only begun to listen hears it too,
   * and may not be known yet.
   */
  announce(change: Change): void {
    for (const part of splitChange(change, MAX_MESSAGE)) inBackground(() => this.#send({ change: packChange(part) }));
  }

  /**
   * Runs a removal from L2 so that, when it resolves, no instance serves anything of before it, and
   * nothing of before it is stored later: first all others drop what they hold and what they are
   * about to write; then `remove` runs, which ends all locks; then they drop once more, since one
   * may have read in between. Rejects with what `remove` does, and with `BackendError` where an
   * instance does not confirm.
   */
  async remove<T>(change: Change, remove: () => Promise<T>): Promise<T> {
    const contents = splitChange(change, MAX_MESSAGE).map((part) => ({ change: packChange(part), removal: true }));
    const everybody = () => Promise.all(contents.map((content) => this.#confirmations.ask(content)));
    // What cannot be confirmed is removed all the same, as far as it goes.
    const failure = await everybody().then(
      () => undefined,
      (error: unknown) => error,
    );
    let result: T;
    try {
      result = await remove();
      if (failure !== undefined) throw failure;
    } catch (error) {
      for (const content of contents) inBackground(() => this.#send(content));
      throw error;
    }
    await everybody();
    return result;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopClock();
    this.#liveUntil = Number.NEGATIVE_INFINITY;
    this.#confirmations.fail(new BackendError('closed before others confirmed a removal'));
    if (this.#subscribedAt !== undefined) await this.#send({ bye: true }).catch(() => {});
    const subscription = this.#subscription;
    if (subscription) await attempt(() => subscription.close());
  }

  #subscribe(): void {
    try {
      this.#subscription = this.#bus.subscribe({
        message: (text) => this.#hear(text),
        ready: () => this.#subscribed(),
        lost: () => this.#lose(),
      });
    } catch {
      // Tried again with the next hello.
    }
  }

  #subscribed(): void {
    if (this.#isClosed) return;
    this.#subscribedAt = this.#clock.now();
    this.#peers.clear();
    this.#hellos.clear();
    this.#interrupt();
    this.#hello();
    this.#confirmations.askAgain();
    this.relay.ready();
  }

  #lose(): void {
    // Another attempt that failed: nothing was heard in between, and what serves during the outage
    // stays.
    if (this.#subscribedAt === undefined && this.#liveUntil === Number.NEGATIVE_INFINITY) return;
    this.#subscribedAt = undefined;
    this.#hellos.clear();
    this.#interrupt();
    this.relay.lost();
  }

  #renew(): void {
    inBackground(() => this.#subscription?.renew());
  }

  /** Others may have confirmed changes without this instance. */
  #expire(): void {
    if (this.#liveUntil !== Number.NEGATIVE_INFINITY) this.#interrupt();
  }

  /** Something may have been missed. */
  #interrupt(): void {
    this.#liveUntil = Number.NEGATIVE_INFINITY;
    this.#missed();
  }

  #missed(): void {
    this.#interruptions += 1;
    inBackground(() => this.#hooks.forget());
  }

  #tick(): void {
    if (this.#subscription === undefined) this.#subscribe();
    const now = this.#clock.now();
    if (now >= this.#liveUntil) this.#expire();
    const oldest = this.#hellos.values().next().value;
    if (oldest !== undefined && now - oldest >= LEASE) this.#renew();
    for (const [id, { heardAt }] of this.#peers) if (now - heardAt >= SILENCE) this.#peers.delete(id);
    if (this.#subscribedAt !== undefined) this.#hello();
    this.#confirmations.tick();
  }

  #hello(): void {
    const number = this.#seq + 1;
    this.#hellos.set(number, this.#clock.now());
    inBackground(() => this.#send({ hello: number }));
  }

  #hear(text: string): void {
    if (this.#isClosed) return;
    const message = parseMessage(text);
    let done: Promise<unknown> = Promise.resolve();
    if (message?.from === this.#id) this.#hearSelf(message);
    else if (message !== undefined) done = this.#hearOther(message);
    this.relay.message(text, done);
  }

  #hearSelf(message: Message): void {
    if (message.hello !== undefined) {
      const sentAt = this.#hellos.get(message.hello);
      this.#hellos.delete(message.hello);
      if (sentAt === undefined) return;
      this.#liveUntil = Math.max(this.#liveUntil, sentAt + LEASE);
      this.#wasLive = true;
    } else if (message.confirm !== undefined) this.#confirmations.echoed(message.confirm);
  }

  /** Resolves when what it says is done. */
  #hearOther(message: Message): Promise<unknown> {
    const { from, seq, confirm, ack, to } = message;
    const known = this.#peers.get(from);
    // What a peer said in between did not arrive.
    if (known && seq > known.seq + 1) this.#missed();
    if (message.bye) this.#peers.delete(from);
    else this.#peers.set(from, { heardAt: this.#clock.now(), seq });
    if (message.bye) this.#confirmations.judge();
    if (ack !== undefined && to === this.#id) this.#confirmations.acknowledged(ack, from);
    const change = changeOf(message);
    if (change === undefined) return Promise.resolve();
    const done = attempt(() => this.#hooks.drop(change, message.removal === true));
    // Who gets no answer asks again.
    if (confirm !== undefined) inBackground(() => done.then(() => this.#send({ ack: confirm, to: from })));
    return done;
  }

  async #send(content: Record<string, unknown>): Promise<number | undefined> {
    this.#seq += 1;
    const text = JSON.stringify({ from: this.#id, seq: this.#seq, ...content });
    return this.#bus.publish(text);
  }
}
