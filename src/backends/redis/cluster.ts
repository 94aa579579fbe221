import { createHash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { BackendError } from '../../errors.js';
import { Records } from '../../records.js';
import type { BackendEntry, ReadContext } from '../backend.js';
import { Breaker } from '../breaker.js';
import { LockNames } from './lock-names.js';
import { loadSlotOf, masterNameOf, mastersByName, type SlotOf, tagsOf } from './nodes.js';
import {
  execute,
  namesOf,
  numbersOf,
  type RedisRead,
  type RedisStore,
  type Reply,
  resultsOf,
  type ScriptItem,
  scanLocks,
  scanRecords,
  sumOf,
  viewOf,
  type Word,
} from './store.js';

type CommandOfOneKey = [name: 'GET' | 'SET' | 'UNLINK' | 'PEXPIRE', key: string | Buffer, ...rest: Word[]];

/** One command on keys of one slot, the keys without the client's keyPrefix. */
type KeyCommand =
  | CommandOfOneKey
  | [name: 'EVAL' | 'EVALSHA', key: string, script: string, moreKeys: readonly string[], ...words: Word[]];

/** What the node that was asked says where a key's slot is elsewhere, or on its way, or where it lacks the text of a script. */
const IS_ELSEWHERE = /^(MOVED|ASK|TRYAGAIN|NOSCRIPT) /;

/** What a user of narrow rights is told. */
const MAY_NOT_EVALSHA = /^NOPERM .*evalsha/i;

/** The least time between two attempts to learn where slots are served, in milliseconds. */
const REFRESH_PAUSE = 500;

/** How often a clear goes over the whole cluster, where slots move meanwhile. */
const MOST_PASSES = 5;

/**
 * A cluster: a batch is one pipeline for each node that holds a part of it, all at once. Keys whose slot has moved are asked for
 * again, each where the cluster says; a node that is away costs what it holds.
 */
export class ClusterRedisStore implements RedisStore {
  readonly lockNames: LockNames;
  readonly #cluster: Cluster;
  readonly #keyPrefix: string;
  readonly #slotOf: SlotOf;
  /** By node: one that is frozen must not hold up every read until its signal. */
  readonly #breakers = new Map<string, Breaker>();
  #mayEvalsha = true;
  #refreshedAt = Number.NEGATIVE_INFINITY;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#keyPrefix = cluster.options.keyPrefix ?? '';
    this.#slotOf = loadSlotOf();
    this.lockNames = new LockNames(this.#keyPrefix, tagsOf(this.#slotOf));
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
    const unlocks = this.#unlocks(entries.map(({ key }) => key));
    const replies = await this.#execute([
      ...unlocks,
      ...entries.map(({ key, value, ttlMs }): KeyCommand => {
        const bytes = viewOf(value);
        return ttlMs === undefined ? ['SET', key, bytes] : ['SET', key, bytes, 'PX', ttlMs];
      }),
    ]);
    const written = replies.slice(unlocks.length).flatMap(([error]) => error ?? []);
    return written.length > 0 ? written : replies.flatMap(([error]) => error ?? []);
  }

  async unlink(keys: readonly string[]): Promise<number> {
    const unlocks = this.#unlocks(keys);
    const replies = await this.#execute([...unlocks, ...keys.map((key): KeyCommand => ['UNLINK', key])]);
    return sumOf(replies) - sumOf(replies.slice(0, unlocks.length));
  }

  prolong(lives: ReadonlyMap<string, number>): Promise<Reply[]> {
    return this.#execute(Array.from(lives, ([key, life]) => ['PEXPIRE', key, life, 'GT']));
  }

  async script(text: string, items: readonly ScriptItem[], words: readonly (string | number)[]): Promise<number[]> {
    // A script may use the keys of one slot only.
    const commands = items.map(({ keys: [key = '', ...more], words: own = [] }): KeyCommand => {
      return ['EVAL', key, text, more, ...words, ...own];
    });
    return numbersOf(resultsOf<unknown[]>(await this.#execute(commands)).flat());
  }

  async clear(prefix: string): Promise<number> {
    const wanted = this.#keyPrefix + prefix;
    const unlinked = async (names: readonly Buffer[]) => {
      const skipped = Buffer.byteLength(this.#keyPrefix);
      return sumOf(await this.#execute(names.map((name) => ['UNLINK', name.subarray(skipped)])));
    };
    await this.#eachMaster(async (node) => {
      for await (const locks of scanLocks(node, this.lockNames, wanted)) await unlinked(locks);
    });
    let count = 0;
    await this.#eachMaster(async (node) => {
      for await (const { records, locks } of scanRecords(node, this.lockNames, wanted)) {
        await unlinked(locks);
        count += await unlinked(records);
      }
    });
    return count;
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
      const name = masterNameOf(this.#cluster, this.#slotOf(prefixed(this.#keyPrefix, key))) ?? '';
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
    for (const command of this.#shortened(commands)) {
      pipeline.callBuffer(...wordsOf(command, prefixes ? '' : this.#keyPrefix));
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
      const mayNot = MAY_NOT_EVALSHA.test(reply[0]?.message ?? '');
      if (mayNot) this.#mayEvalsha = false;
      if (!reply[0] || !(mayNot || IS_ELSEWHERE.test(reply[0].message))) return reply;
      const command = commands[index] as KeyCommand;
      // The client follows where the cluster sends it, as often as its settings say, and learns the way.
      return this.#cluster.callBuffer(...wordsOf(command, '')).then(
        (result): Reply => [null, result],
        (error): Reply => [error],
      );
    });
    return Promise.all(elsewhere);
  }

  /** A script's text is sent to a node once in a pipeline, and then its digest, by which the node knows it: it is longer than keys are. */
  #shortened(commands: readonly KeyCommand[]): readonly KeyCommand[] {
    if (!this.#mayEvalsha || commands[0]?.[0] !== 'EVAL') return commands;
    const [, , text] = commands[0];
    const digest = createHash('sha1').update(text).digest('hex');
    return commands.map((command, index): KeyCommand => {
      if (index === 0 || command[0] !== 'EVAL') return command;
      const [, key, , moreKeys, ...words] = command;
      return ['EVALSHA', key, digest, moreKeys, ...words];
    });
  }

  #unlocks(keys: readonly string[]): KeyCommand[] {
    return namesOf(this.lockNames, keys).map((name) => ['UNLINK', name]);
  }

  /** Goes over all nodes, and again where slots moved meanwhile. */
  async #eachMaster(work: (node: Redis) => Promise<void>): Promise<void> {
    await this.#ready();
    for (let pass = 1; ; pass += 1) {
      const before = this.#topology();
      for (const node of this.#masters()) await work(node);
      // What moved from a node that was still to be scanned to one that was scanned already has not been seen.
      if (this.#topology() === before || pass === MOST_PASSES) return;
    }
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
}

/** A command as it is sent, its keys with a prefix. */
function wordsOf(command: KeyCommand, prefix: string): [name: string, ...Word[]] {
  if (command[0] === 'EVAL' || command[0] === 'EVALSHA') {
    const [name, key, script, moreKeys, ...words] = command;
    return [name, script, 1 + moreKeys.length, prefix + key, ...moreKeys.map((each) => prefix + each), ...words];
  }
  const [name, key, ...rest] = command as CommandOfOneKey;
  return [name, prefixed(prefix, key), ...rest];
}

function prefixed(prefix: string, key: string | Buffer): string | Buffer {
  if (prefix === '') return key;
  return typeof key === 'string' ? prefix + key : Buffer.concat([Buffer.from(prefix), key]);
}
