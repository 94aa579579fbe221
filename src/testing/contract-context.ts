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

/** Waits until a record is gone whose life is about `life` milliseconds. */
export const gone = (store: CacheBackend, key: string, life: number) =>
  until(`${key} expires`, async () => (await store.getMany([key]))[0] === undefined, life * 20 + 5000);

/**
 * Runs what must be done before lives of some hundred milliseconds are over, and returns what those were: a machine that was busy
 * for longer has shown nothing, and gets four times as long.
 * @param work gets the lives in milliseconds, and a number that is another each time
 */
export async function within(
  shortest: number,
  work: (life: number, attempt: number) => Promise<void>,
): Promise<number> {
  for (let [life, attempt] = [Math.max(400, shortest), 0]; ; life *= 4, attempt += 1) {
    const start = performance.now();
    await work(life, attempt);
    if (performance.now() - start < life) return life;
  }
}
