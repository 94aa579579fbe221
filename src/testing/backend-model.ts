import assert from 'node:assert/strict';
import type { CacheBackend } from '../backends/backend.js';
import { VecstashError } from '../errors.js';
import { packageProblem } from '../packages.js';

/**
 * Few keys, so that operations meet; their beginnings are prefixes of one another and hold what
 * patterns are made of.
 */
const KEYS = ['', 'a', 'aa', 'ab', 'a:', 'a:b', 'a*', 'a?', '[a]', '[', '\\', '\\*', 'é', 'é\u{10FFFF}', '%', '_', 'A'];

type FastCheck = typeof import('fast-check');

function operationsOf(fc: FastCheck) {
  const key = fc.constantFrom(...KEYS);
  const value = fc.uint8Array({ maxLength: 20 });
  const operation = fc.oneof(
    { weight: 4, arbitrary: fc.record({ set: fc.array(fc.tuple(key, value), { maxLength: 6 }) }) },
    { weight: 4, arbitrary: fc.record({ get: fc.array(key, { maxLength: 8 }) }) },
    { weight: 2, arbitrary: fc.record({ delete: fc.array(key, { maxLength: 5 }) }) },
    { weight: 1, arbitrary: fc.record({ clear: key }) },
  );
  return fc.array(operation, { maxLength: 25 });
}

async function loadFastCheck(): Promise<FastCheck> {
  try {
    return await import('fast-check');
  } catch (error) {
    throw new VecstashError('PACKAGE_MISSING', packageProblem('backendContract', 'fast-check', error), {
      cause: error,
    });
  }
}

/**
 * Runs random operations on a backend and on a map, and compares every answer. A failure tells its
 * seed; VECSTASH_SEED runs it again.
 */
export async function checkAgainstModel(store: CacheBackend, prefix: string, runs = 60): Promise<void> {
  const seed = Number(process.env.VECSTASH_SEED ?? Math.floor(Math.random() * 2 ** 31));
  const fc = await loadFastCheck();
  let run = 0;
  const property = fc.asyncProperty(operationsOf(fc), async (operations) => {
    run += 1;
    const start = `${prefix}${run}:`;
    const model = new Map<string, Uint8Array>();
    for (const step of operations) {
      if ('set' in step) {
        await store.setMany(step.set.map(([name, bytes]) => ({ key: start + name, value: bytes })));
        for (const [name, bytes] of step.set) model.set(name, bytes);
      } else if ('get' in step) {
        const read = await store.getMany(step.get.map((name) => start + name));
        const plain = read.map((bytes) => bytes && Uint8Array.from(bytes));
        assert.deepStrictEqual(
          plain,
          step.get.map((name) => model.get(name)),
        );
      } else if ('delete' in step) {
        const count = new Set(step.delete.filter((name) => model.has(name))).size;
        for (const name of step.delete) model.delete(name);
        assert.strictEqual(await store.deleteMany(step.delete.map((name) => start + name)), count);
      } else {
        const under = [...model.keys()].filter((name) => name.startsWith(step.clear));
        for (const name of under) model.delete(name);
        assert.strictEqual(await store.clear(start + step.clear), under.length);
      }
    }
  });
  // The message of a failure holds the seed, the path to the counterexample and the counterexample.
  await fc.assert(property, { seed, numRuns: runs, endOnFailure: false });
}
