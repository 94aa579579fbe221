import { createHash } from 'node:crypto';
import type { Cluster, Redis } from 'ioredis';
import { BackendError, PartialFailureError } from '../../../errors.js';
import { isUint8Array } from '../../../realms.js';
import { RecordSpans } from '../../../record-spans.js';
import type { BackendEntry, BackendTouch } from '../../backend.js';
import {
  type RedisCommands,
  type RedisRead,
  type RedisReadContext,
  type RedisWrite,
  type ScriptItem,
  sumOf,
  viewOf,
  type Word,
} from '../commands.js';
import { redisReason } from '../error.js';
import { Link, type Reply } from '../link.js';
import { LockNames } from '../locks/lock-names.js';
import { scanLocks, scanRecords } from '../scan.js';
import { ClusterNodes } from './nodes.js';
import { slotOf, tagsOf } from './slots.js';

type CommandOfOneKey = [name: 'GET' | 'SET' | 'UNLINK' | 'PEXPIRE', key: string | Buffer, ...rest: Word[]];

/** One command on keys of one slot, the keys without the client's keyPrefix. */
type KeyCommand =
  | CommandOfOneKey
  | [name: 'EVAL' | 'EVALSHA', key: string, script: string, moreKeys: readonly string[], ...words: Word[]];

/**
 * What the node that was asked says where a key's slot is elsewhere, or on its way, or where it
 * lacks the text of a script.
 */
const IS_ELSEWHERE = /^(MOVED|ASK|TRYAGAIN|NOSCRIPT) /;

/** What a user of narrow rights is told. */
const MAY_NOT_EVALSHA = /^NOPERM .*evalsha/i;

/** How often a clear goes over the whole cluster, where slots move meanwhile. */
const MAX_PASSES = 5;

/**
 * The commands of a cluster: a batch is one pipeline for each node that holds a part of it, all at
 * once. Keys whose slot has moved are asked for again, each where the cluster says; a node that is
 * away costs what it holds.
 */
export class ClusterCommands implements RedisCommands {
  readonly lockNames: LockNames;
  /** Reads go over the nodes' only connections. */
  readonly canRead = false;
  readonly #cluster: Cluster;
  readonly #nodes: ClusterNodes;
  readonly #keyPrefix: string;
  #mayEvalsha = true;

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    this.#nodes = new ClusterNodes(cluster);
    this.#keyPrefix = cluster.options.keyPrefix ?? '';
    this.lockNames = new LockNames(this.#keyPrefix, tagsOf(slotOf));
  }

  async getRuns(runs: Iterable<readonly string[]>, context: RedisReadContext): Promise<RedisRead> {
    const replies = await this.#execute(
      Array.from(runs).flatMap((keys) => keys.map((key): KeyCommand => ['GET', key])),
      context,
    );
    const failures = replies.flatMap(([error]) => (error && !/^WRONGTYPE /.test(error.message) ? [error] : []));
    const records = RecordSpans.of(replies.map(([, value]) => (value as Buffer | null | undefined) ?? undefined));
    return { records, failures, isPartial: this.#isPartial(failures, replies) };
  }

  async setMany(entries: readonly BackendEntry[]): Promise<RedisWrite> {
    const unlocks = this.#unlocks(entries.map(({ key }) => key));
    const replies = await this.#execute([
      ...unlocks,
      ...entries.map(({ key, value, ttlMs }): KeyCommand => {
        const bytes = viewOf(value);
        return ttlMs === undefined ? ['SET', key, bytes] : ['SET', key, bytes, 'PX', ttlMs];
      }),
    ]);
    const written = replies.slice(unlocks.length).flatMap(([error]) => error ?? []);
    const failures = written.length > 0 ? written : replies.flatMap(([error]) => error ?? []);
    return { failures, isPartial: this.#isPartial(written, replies.slice(unlocks.length)) };
  }

  async unlink(keys: readonly string[]): Promise<number> {
    const unlocks = this.#unlocks(keys);
    const replies = await this.#execute([...unlocks, ...keys.map((key): KeyCommand => ['UNLINK', key])]);
    return sumOf(replies) - sumOf(replies.slice(0, unlocks.length));
  }

  extendTtls(touches: readonly BackendTouch[]): Promise<Reply[]> {
    return this.#execute(touches.map(({ key, ttlMs }) => ['PEXPIRE', key, ttlMs, 'GT']));
  }

  async script(
    text: string,
    items: readonly ScriptItem[],
    words: readonly (string | number)[],
    onPartialFailure?: (error: unknown) => void,
  ): Promise<number[]> {
    // A script may use the keys of one slot only.
    const commands = items.map(({ keys: [key = '', ...more], words: own = [] }): KeyCommand => {
      return ['EVAL', key, text, more, ...words, ...own];
    });
    const replies = await this.#execute(commands);
    const failures = replies.flatMap(([error]) => error ?? []);
    if (failures.length === 0 || !this.#isPartial(failures, replies)) return replies.map(numberOf);
    if (onPartialFailure === undefined) {
      const what = `Redis: ${failures.length} of ${items.length} failed: ${redisReason(failures[0])}`;
      throw new PartialFailureError(what);
    }
    onPartialFailure(failures[0]);
    return replies.map((reply) => (reply[0] ? 0 : numberOf(reply)));
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
    await this.#nodes.ready();
    await Promise.all(this.#nodes.all().map((node) => node.ping()));
  }

  end(): void {
    this.#nodes.end();
  }

  /**
   * The replies to `commands`, in order. Reads bring a context; what has not come when its signal
   * is aborted is an error.
   */
  async #execute(commands: readonly KeyCommand[], context?: RedisReadContext): Promise<Reply[]> {
    if (commands.length === 0) return [];
    await this.#nodes.ready();
    const replies = new Array<Reply>(commands.length);
    const nodes = this.#nodes.byName();
    const placesOfNode = new Map<string, number[]>();
    commands.forEach(([, key], place) => {
      const name = this.#nodes.nameOf(slotOf(prefixed(this.#keyPrefix, key)));
      const places = placesOfNode.get(name);
      if (places) places.push(place);
      else placesOfNode.set(name, [place]);
    });
    await Promise.all(
      Array.from(placesOfNode, async ([name, places]) => {
        const part = places.map((place) => commands[place] as KeyCommand);
        const node = nodes.get(name);
        const asked = this.#nodes.ask(name, node, () => this.#ask(node, part, context), context?.signal);
        const answers = await asked.catch((error): Reply[] => part.map(() => [error]));
        places.forEach((place, index) => {
          replies[place] = answers[index] as Reply;
        });
      }),
    );
    return replies;
  }

  /**
   * Whether what failed is a part of the cluster only, going by other answers or, where there are
   * none, by other nodes.
   */
  #isPartial(failures: readonly unknown[], replies: readonly Reply[]): boolean {
    if (failures.length < replies.length) return true;
    const isAway = failures.every((error) => (error as Error).name !== 'ReplyError');
    return isAway && this.#nodes.areOthersWell();
  }

  /** One pipeline to one node, and then, each by itself, what the node does not serve. */
  async #ask(
    node: Redis | undefined,
    commands: readonly KeyCommand[],
    context: RedisReadContext | undefined,
  ): Promise<Reply[]> {
    // A node that is being connected to takes commands; one that is lost would keep them for ever.
    if (node === undefined || ['close', 'end', 'reconnecting'].includes(node.status)) {
      throw new BackendError('Redis: a node of the cluster is not connected');
    }
    const pipeline = node.pipeline();
    const prefixes = node.options.keyPrefix !== undefined && node.options.keyPrefix !== '';
    for (const command of this.#shortened(commands)) {
      pipeline.callBuffer(...wordsOf(command, prefixes ? '' : this.#keyPrefix));
    }
    const bytes = context ? 0 : commands.reduce((sum, command) => sum + bytesOf(command), 0);
    const replies = await Link.of(node).execute(pipeline, context === undefined, bytes, context?.onProgress);
    const lost = replies.find(([error]) => error && error.name !== 'ReplyError');
    if (lost) {
      this.#nodes.refresh();
      if (replies.every(([error]) => error)) throw lost[0];
    }
    const elsewhere = replies.map(async (reply, index) => {
      const mayNot = MAY_NOT_EVALSHA.test(reply[0]?.message ?? '');
      if (mayNot) this.#mayEvalsha = false;
      if (!reply[0] || !(mayNot || IS_ELSEWHERE.test(reply[0].message))) return reply;
      const command = commands[index] as KeyCommand;
      // The client follows where the cluster sends it, as often as its settings say, and learns the
      // way.
      return this.#cluster.callBuffer(...wordsOf(command, '')).then(
        (result): Reply => [null, result],
        (error): Reply => [error],
      );
    });
    return Promise.all(elsewhere);
  }

  /**
   * A script's text is sent to a node once in a pipeline, and then its digest, by which the node
   * knows it: it is longer than keys are.
   */
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
    return this.lockNames.ofAll(keys).map((name) => ['UNLINK', name]);
  }

  /** Goes over all nodes, and again where slots moved meanwhile. */
  async #eachMaster(work: (node: Redis) => Promise<void>): Promise<void> {
    await this.#nodes.ready();
    for (let pass = 1; ; pass += 1) {
      const before = this.#nodes.topology();
      for (const node of this.#nodes.all()) await work(node);
      // What moved from a node that was still to be scanned to one that was scanned already has not
      // been seen.
      if (this.#nodes.topology() === before || pass === MAX_PASSES) return;
    }
  }
}

/** What a script answered for one item. Throws its error. */
function numberOf([error, result]: Reply): number {
  if (error) throw error;
  return Number((result as unknown[])[0]);
}

/** The bytes of a command's values. */
function bytesOf(command: KeyCommand): number {
  let bytes = 0;
  for (const word of command) if (isUint8Array(word)) bytes += word.length;
  return bytes;
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
