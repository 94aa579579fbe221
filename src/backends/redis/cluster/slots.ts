import calculateSlot from 'cluster-key-slot';
import type { Cluster, Redis } from 'ioredis';

/** The slot of a key or a channel. */
export type SlotOf = (key: string | Buffer) => number;

export const slotOf: SlotOf = calculateSlot;

/** The connected masters, by the name under which the cluster's slots tell them. */
export function mastersByName(cluster: Cluster): Map<string, Redis> {
  return new Map(cluster.nodes('master').map((node) => [nameOf(node), node]));
}

export function nameOf({ options }: Redis): string {
  return `${options.host}:${options.port}`;
}

/** The name of the master that serves a slot, as far as the client knows. */
export function masterNameOf(cluster: Cluster, slot: number): string | undefined {
  return cluster.slots[slot]?.[0];
}

/** Numbers by slot that are looked for at most: one of 16,384 fits. */
const MAX_TRIED = 1_000_000;

/**
 * Finds for a key a number whose slot is the key's; undefined for the keys whose slot
 * cluster-key-slot does not know.
 */
export function tagsOf(slotOf: SlotOf): (key: string) => string | undefined {
  const tags = new Map<number, string>();
  return (key) => {
    // To Redis an empty tag is none, and what follows it neither; cluster-key-slot goes on looking.
    if (/\{\}.*\}/s.test(key)) return undefined;
    const slot = slotOf(key);
    for (let number = 0; number < MAX_TRIED && !tags.has(slot); number++) {
      if (slotOf(String(number)) === slot) tags.set(slot, String(number));
    }
    return tags.get(slot);
  };
}
