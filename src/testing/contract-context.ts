import type { CacheBackend } from '../backends/backend.js';
import { until } from './until.js';

/** What a test of the suite gets. */
export interface ContractContext {
  store: CacheBackend;
  /** For every key of the test. */
  prefix: string;
}

/** Registers a test of the suite. */
export type ContractTest = (title: string, run: (context: ContractContext) => Promise<void>) => void;

export const bytes = (...values: number[]) => Uint8Array.from(values);

/** What two reads returned, comparable whatever subclass of Uint8Array it is. */
export const plain = (values: (Uint8Array | undefined)[]) => values.map((value) => value && Uint8Array.from(value));

/** What a call came to: its error's code. */
export const codeOf = (call: Promise<unknown>) =>
  call.then(
    () => 'done',
    (error) => error.code,
  );

/** Waits until a record is gone whose TTL is about `ttl` milliseconds. */
export const gone = (store: CacheBackend, key: string, ttl: number) =>
  until(`${key} expires`, async () => (await store.getMany([key]))[0] === undefined, ttl * 20 + 5000);

/**
 * Runs what must be done before TTLs of some hundred milliseconds are over, and returns what those
 * were: a machine that was busy for longer has shown nothing, and gets four times as long.
 * @param work gets the TTLs in milliseconds, and a number that is another each time
 */
export async function within(shortest: number, work: (ttl: number, attempt: number) => Promise<void>): Promise<number> {
  for (let [ttl, attempt] = [Math.max(400, shortest), 0]; ; ttl *= 4, attempt += 1) {
    const start = performance.now();
    await work(ttl, attempt);
    if (performance.now() - start < ttl) return ttl;
  }
}
