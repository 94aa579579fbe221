import type { Cluster, Redis } from 'ioredis';
import { BackendError } from '../../../errors.js';
import { performance } from '../../../runtime.js';
import { Breaker } from '../../breaker.js';
import { Link } from '../link.js';
import { masterNameOf, mastersByName, nameOf } from './slots.js';

/** The least time between two attempts to learn where slots are served, in milliseconds. */
const REFRESH_PAUSE = 250;

/**
 * How long a node may owe answers without a byte before no read waits for it any more, in
 * milliseconds.
 */
const MAX_SILENCE = 200;

/** What this needs of a cluster of ioredis 5 or 6 and is not in its types. */
interface Inside {
  getInfoFromNode?(node: Redis, callback: (error?: unknown) => void): void;
}

/**
 * The nodes of a cluster: who is well, who is watched by a breaker of its own, and where the slots
 * are.
 */
export class ClusterNodes {
  readonly #cluster: Cluster;
  /** By node: one that is frozen must not hold up every read until its signal. */
  readonly #breakers = new Map<string, Breaker>();
  /** Nodes whose last answer was none. */
  readonly #failing = new Set<string>();
  #refreshedAt = Number.NEGATIVE_INFINITY;
  #asked = 0;
  readonly #watch = (node: Redis) => void Link.of(node);
  readonly #lost = () => this.refresh();

  constructor(cluster: Cluster) {
    this.#cluster = cluster;
    for (const node of cluster.nodes('all')) Link.of(node);
    cluster.on('+node', this.#watch);
    cluster.on('-node', this.#lost);
  }

  /** Waits for the client's first connection as long as the client itself does. */
  async ready(): Promise<void> {
    if (this.#cluster.slots.length === 0) await this.#cluster.ping();
  }

  /** The name of the master that serves a slot, as far as the client knows. */
  nameOf(slot: number): string {
    return masterNameOf(this.#cluster, slot) ?? '';
  }

  /** The connections to the masters by name. */
  byName(): Map<string, Redis> {
    return mastersByName(this.#cluster);
  }

  /**
   * Every node that serves slots. Throws where one of them is away: what is asked of all must not
   * leave it out.
   */
  all(): Redis[] {
    const nodes = this.byName();
    const names = [...new Set(this.#cluster.slots.flatMap((served) => served[0] ?? []))];
    const connected = names.flatMap((name) => nodes.get(name) ?? []);
    if (connected.length === names.length) return connected;
    this.refresh();
    throw new BackendError(`Redis: ${names.length - connected.length} of ${names.length} nodes are not connected`);
  }

  topology(): string {
    return this.#cluster.slots.map((served) => served[0]).join();
  }

  /** Whether another node than those that fail is connected. */
  areOthersWell(): boolean {
    return [...this.byName()].some(([name, node]) => !this.#failing.has(name) && node.status === 'ready');
  }

  /**
   * Asks a node. Reads bring a signal, and are left out where the node keeps failing or owes
   * answers and says nothing.
   */
  async ask<T>(
    name: string,
    node: Redis | undefined,
    call: () => Promise<T>,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    try {
      if (node && signal && this.#failing.has(name) && Link.of(node).silentFor > MAX_SILENCE) {
        throw new BackendError('Redis: a node of the cluster does not answer');
      }
      const answer = await (signal ? this.#breakerOf(name).run(call, signal) : call());
      this.#failing.delete(name);
      return answer;
    } catch (error) {
      this.#failing.add(name);
      this.refresh();
      throw error;
    }
  }

  /**
   * Learns anew where the slots are, from a node that answers: one that is frozen says nothing, and
   * ioredis asks any, one after the other.
   */
  refresh(): void {
    const now = performance.now();
    if (now - this.#refreshedAt < REFRESH_PAUSE) return;
    this.#refreshedAt = now;
    const inside = this.#cluster as unknown as Inside;
    const well = this.#cluster.nodes('all').filter((node) => !this.#failing.has(nameOf(node)) && node.status !== 'end');
    const node = well[this.#asked++ % Math.max(1, well.length)];
    if (node && inside.getInfoFromNode) inside.getInfoFromNode(node, () => {});
    else this.#cluster.refreshSlotsCache(() => {});
  }

  end(): void {
    this.#cluster.off('+node', this.#watch);
    this.#cluster.off('-node', this.#lost);
    for (const breaker of this.#breakers.values()) breaker.end();
  }

  #breakerOf(name: string): Breaker {
    const known = this.#breakers.get(name);
    if (known) return known;
    // A command hears no signal: what the other nodes answered must not wait for this one any
    // longer than whoever asked does.
    const breaker = new Breaker('reads from a node of the cluster', undefined, false);
    this.#breakers.set(name, breaker);
    return breaker;
  }
}
