import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { CHANNELS, type LookupEvent, type Outcome } from 'vecstash';
import type { Status } from '../wire.js';

/** What the cache found for the distinct inputs of one call, in order of first appearance. */
interface Seen {
  outcomes?: readonly Outcome[];
}

const calls = new AsyncLocalStorage<Seen>();

// The cache tells of a lookup within the call that asked for it: of calls at the same time, each hears its own.
function onLookup(message: unknown): void {
  const seen = calls.getStore();
  if (seen !== undefined) seen.outcomes ??= (message as LookupEvent).outcomes;
}

/** Hears lookups until the returned function is called. */
export function hearLookups(): () => void {
  subscribe(CHANNELS.lookup, onLookup);
  return () => void unsubscribe(CHANNELS.lookup, onLookup);
}

/** Runs a call of the cache; what its lookup found comes with the result. */
export async function withOutcomes<T>(call: () => Promise<T>): Promise<{ result: T; outcomes: readonly Outcome[] }> {
  const seen: Seen = {};
  const result = await calls.run(seen, call);
  return { result, outcomes: seen.outcomes ?? [] };
}

/** What became of each input: repeats share the outcome of the first. */
export function statusesOf(inputs: readonly string[], outcomes: readonly Outcome[]): Status[] {
  const places = new Map<string, number>();
  for (const input of inputs) if (!places.has(input)) places.set(input, places.size);
  return inputs.map((input) => (outcomes[places.get(input) as number] === 'hit' ? 'hit' : 'miss'));
}
