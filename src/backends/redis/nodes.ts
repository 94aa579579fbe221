import type { Cluster, Redis } from 'ioredis';
import requireOptional from '#require';

/** The slot of a key or a channel. */
export type SlotOf = (key: string | Buffer) => number;

/** Loaded where there is a cluster: nobody else needs it. */
export function loadSlotOf(): SlotOf {
  return requireOptional('cluster-key-slot') as SlotOf;
}

/** The connected masters, by the name under which the cluster's slots tell them. */
export function mastersByName(cluster: Cluster): Map<string, Redis> {
  return new Map(cluster.nodes('master').map((node) => [`${node.options.host}:${node.options.port}`, node]));
}

/** The name of the master that serves a slot, as far as the client knows. */
export function masterNameOf(cluster: Cluster, slot: number): string | undefined {
  return cluster.slots[slot]?.[0];
}
