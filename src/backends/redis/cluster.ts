import type { Cluster, Redis } from 'ioredis';
import { BackendError } from '../../errors.js';
import { Records } from '../../records.js';
import type { BackendEntry, ReadContext } from '../backend.js';
import { Breaker } from '../breaker.js';
import { loadSlotOf, masterNameOf, mastersByName, type SlotOf } from './nodes.js';
import { execute, type RedisRead, type RedisStore, type Reply, resultsOf, scan, sumOf, viewOf } from './store.js';

type Word = string | Buffer | number;

/** One command on one key, the key without the client's keyPrefix. The text of EVAL follows its key here, as it does nowhere else. */
type KeyCommand = [name: 'GET' | 'SET' | 'UNLINK' | 'PEXPIRE' | 'EVAL', key: string | Buffer, ...rest: Word[]];

/** What the node that was asked says where a key's slot is elsewhere, or on its way. */
const IS_ELSEWHERE = /^(MOVED|ASK|TRYAGAIN) /;

/** The least time between two attempts to learn where slots are served, in milliseconds. */
const REFRESH_PAUSE = 500;

/** How often a clear goes over the whole cluster, where slots move meanwhile. */
const MOST_PASSES = 5;

/**
 * A cluster: a batch is one pipeline for each node that holds a part of it, all at once. Keys whose slot has moved are asked for
 * again, each where the cluster says; a node that is away costs what it holds.
 */
export class ClusterRedisStore implements RedisStore {
  readonly #cluster: Cluster;
  readonly #keyPrefix: string;
  readonly #slotOf: SlotOf;
  /** By node: one that is frozen must not hold up every read until its signal. */
  readonly #breakers = new Map<string, Breaker>();
  #refreshedAt = Number.NEGATIVE_INFINITY;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#keyPrefix = cluster.options.keyPrefix ?? '';
    this.#slotOf = loadSlotOf();
  }

  async getRuns(runs: Iterable<readonly string[]>, context?: ReadContext): Promise<RedisRead> {
    const replies = await this.#execute(
      Array.from(runs).flatMap((keys) => keys.map((key): KeyCommand => ['GET', key])),
      context?.signal,
    );
    const failures = replies.flatMap(([error]) => (error && !/^WRONGTYPE /.test(error.message) ? [error] : []));
    const records = Records.of(replies.map(([, value]) => (value as Buffer | null | undefined) ?? undefined));
    return { records, failures, isPartial: failures.length < replies.length };
  }

  async setMany(entries: readonly BackendEntry[]): Promise<unknown[]> {
    const replies = await this.#execute(
      entries.map(({ key, value, ttlMs }) => {
        const bytes = viewOf(value);
        return ttlMs === undefined ? ['SET', key, bytes] : ['SET', key, bytes, 'PX', ttlMs];
      }),
    );
    return replies.flatMap(([error]) => error ?? []);
  }

  async unlink(keys: readonly (string | Buffer)[]): Promise<number> {
    return sumOf(await this.#execute(keys.map((key) => ['UNLINK', key])));
  }

  prolong(lives: ReadonlyMap<string, number>): Promise<Reply[]> {
    return this.#execute(Array.from(lives, ([key, life]) => ['PEXPIRE', key, life, 'GT']));
  }

  async script(text: string, keys: readonly string[], words: readonly (string | number)[]): Promise<number[]> {
    // A script may use the keys of one slot only.
    const replies = await this.#execute(keys.map((key) => ['EVAL', key, text, ...words]));
    return resultsOf<number[]>(replies).flat();
  }

  async clear(prefix: string): Promise<number> {
    let count = 0;
    await this.#ready();
    for (let pass = 1; ; pass += 1) {
      const before = this.#topology();
      for (const node of this.#masters()) {
        for await (const keys of scan(node, this.#keyPrefix + prefix)) {
          count += await this.unlink(keys.map((key) => key.subarray(Buffer.byteLength(this.#keyPrefix))));
        }
      }
      // What moved from a node that was still to be scanned to one that was scanned already has not been seen.
      if (this.#topology() === before || pass === MOST_PASSES) return count;
    }
  }

  async ping(): Promise<void> {
    await this.#ready();
    await Promise.all(this.#masters().map((node) => node.ping()));
  }

  end(): void {
    for (const breaker of this.#breakers.values()) breaker.end();
  }

  /** The replies to `commands`, in order. Reads bring a signal; what has not come when it is aborted is an error. */
  async #execute(commands: readonly KeyCommand[], signal?: AbortSignal): Promise<Reply[]> {
    if (commands.length === 0) return [];
    await this.#ready();
    const replies = new Array<Reply>(commands.length);
    const nodes = mastersByName(this.#cluster);
    const placesOfNode = new Map<string, number[]>();
    commands.forEach(([, key], place) => {
      const name = masterNameOf(this.#cluster, this.#slotOf(this.#prefixed(key))) ?? '';
      const places = placesOfNode.get(name);
      if (places) places.push(place);
      else placesOfNode.set(name, [place]);
    });
    await Promise.all(
      Array.from(placesOfNode, async ([name, places]) => {
        const part = places.map((place) => commands[place] as KeyCommand);
        const ask = () => this.#ask(nodes.get(name), part);
        const asked = signal ? this.#breakerOf(name).run(ask, signal) : ask();
        const answers = await asked.catch((error): Reply[] => part.map(() => [error]));
        places.forEach((place, index) => {
          replies[place] = answers[index] as Reply;
        });
      }),
    );
    return replies;
  }

  #breakerOf(name: string): Breaker {
    const known = this.#breakers.get(name);
    if (known) return known;
    const breaker = new Breaker('reads from a node of the cluster');
    this.#breakers.set(name, breaker);
    return breaker;
  }

  /** One pipeline to one node, and then, each by itself, what the node does not serve. */
  async #ask(node: Redis | undefined, commands: readonly KeyCommand[]): Promise<Reply[]> {
    if (node === undefined) {
      this.#refresh();
      throw new BackendError('Redis: a node of the cluster is not connected');
    }
    const pipeline = node.pipeline();
    const prefixes = node.options.keyPrefix !== undefined && node.options.keyPrefix !== '';
    for (const command of commands) {
      const [, key] = command;
      pipeline.callBuffer(...wordsOf(command, prefixes ? key : this.#prefixed(key)));
    }
    const replies = await execute(pipeline).catch((error) => {
      this.#refresh();
      throw error;
    });
    const lost = replies.find(([error]) => error && error.name !== 'ReplyError');
    if (lost) {
      this.#refresh();
      if (replies.every(([error]) => error)) throw lost[0];
    }
    const elsewhere = replies.map(async (reply, index) => {
      if (!reply[0] || !IS_ELSEWHERE.test(reply[0].message)) return reply;
      const command = commands[index] as KeyCommand;
      // The client follows where the cluster sends it, as often as its settings say, and learns the way.
      return this.#cluster.callBuffer(...wordsOf(command, command[1])).then(
        (result): Reply => [null, result],
        (error): Reply => [error],
      );
    });
    return Promise.all(elsewhere);
  }

  /** Waits for the client's first connection as long as the client itself does. */
  async #ready(): Promise<void> {
    if (this.#cluster.slots.length === 0) await this.#cluster.ping();
  }

  /** ioredis looks for itself only where a node answers that a slot has moved: one that is gone says nothing. */
  #refresh(): void {
    const now = performance.now();
    if (now - this.#refreshedAt < REFRESH_PAUSE) return;
    this.#refreshedAt = now;
    this.#cluster.refreshSlotsCache(() => {});
  }

  /** Every node that serves slots. Throws where one of them is away: what is asked of all must not leave it out. */
  #masters(): Redis[] {
    const nodes = mastersByName(this.#cluster);
    const names = [...new Set(this.#cluster.slots.flatMap((served) => served[0] ?? []))];
    const connected = names.flatMap((name) => nodes.get(name) ?? []);
    if (connected.length === names.length) return connected;
    this.#refresh();
    throw new BackendError(`Redis: ${names.length - connected.length} of ${names.length} nodes are not connected`);
  }

  #topology(): string {
    return this.#cluster.slots.map((served) => served[0]).join();
  }

  #prefixed(key: string | Buffer): string | Buffer {
    if (this.#keyPrefix === '') return key;
    return typeof key === 'string' ? this.#keyPrefix + key : Buffer.concat([Buffer.from(this.#keyPrefix), key]);
  }
}

/** A command as it is sent, with its key as it is sent. */
function wordsOf([name, , ...rest]: KeyCommand, key: string | Buffer): [name: string, ...Word[]] {
  if (name !== 'EVAL') return [name, key, ...rest];
  const [text = '', ...words] = rest;
  return [name, text, 1, key, ...words];
}
