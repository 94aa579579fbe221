/**
 * What the SQLite tests run in other processes, as `sqlite-process.ts DRIVER PATH PROGRAM`. A program is one of
 *
 * - `read KEY`, `write KEY BYTE`, `delete KEY`, `clear PREFIX`;
 * - `fill NAME COUNT START MAX_BYTES`: writes COUNT values of growing length from the time START on;
 * - `lease HOLDER NAME...`: takes names for an hour and says which it has;
 * - `lock HOLDER KEY...`: the same for locks;
 * - `linger`: writes, and neither closes the file nor ends itself;
 * - `work SEED COUNT MAX_BYTES`: writes batches without end and says when each is written, COUNT entries in each.
 */

import type { SqliteDriver } from '../../src/backends/sqlite/driver/driver.js';
import { SqliteBackend } from '../../src/backends/sqlite/sqlite.js';
import { until } from '../../src/testing/until.js';
import { batchOf } from './sqlite-batches.js';

const [driver, path, program] = process.argv.slice(2) as [SqliteDriver, string, string];
const [verb, ...words] = program.split(' ') as [string, ...string[]];

const programs: Record<string, () => Promise<void>> = {
  async read() {
    const backend = open();
    const [value] = await backend.getMany([words[0] as string]);
    console.log([...(value ?? [])].join());
    await backend.close();
  },

  async write() {
    const backend = open();
    await backend.setMany([{ key: words[0] as string, value: Uint8Array.of(Number(words[1])) }]);
    console.log('done');
    await backend.close();
  },

  async delete() {
    const backend = open();
    console.log(await backend.deleteMany([words[0] as string]));
    await backend.close();
  },

  async clear() {
    const backend = open();
    console.log(await backend.clear(words[0] as string));
    await backend.close();
  },

  async fill() {
    const [name, count, start, maxBytes] = words as [string, string, string, string];
    while (Date.now() < Number(start));
    const backend = open(Number(maxBytes));
    let written = 0;
    for (let index = 0; index < Number(count); index += 1) {
      const value = new Uint8Array(index);
      // Another process's transaction may be in the way for too long: that is a failed write, and here it is tried again.
      await until(`${name}${index} is written`, () =>
        backend.setMany([{ key: `${name}${index}`, value }]).then(
          () => true,
          () => false,
        ),
      );
      written += 1;
    }
    console.log(written);
    await backend.close();
  },

  async lease() {
    const backend = open();
    const [holder, ...names] = words as [string, ...string[]];
    console.log((await backend.leases.acquire(names, holder, 3_600_000)).join());
    await backend.close();
  },

  async lock() {
    const backend = open();
    const [holder, ...keys] = words as [string, ...string[]];
    console.log((await backend.locks.acquire(keys, holder, 3_600_000)).join());
    await backend.close();
  },

  async linger() {
    await open().setMany([{ key: 'a', value: Uint8Array.of(1) }]);
    console.log('written');
  },

  async work() {
    const [seed, count, maxBytes] = words.map(Number) as [number, number, number];
    const backend = open(maxBytes);
    for (let batch = 0; ; batch += 1) {
      await backend.setMany(batchOf(seed, batch, count));
      console.log(batch);
      // Uses to store, rows to remove and pages to give back beside the writes.
      await backend.getMany(batchOf(seed, batch - 1, count).map(({ key }) => key));
      if (batch % 5 === 4) await backend.clear(`${seed}:${batch - 4}:`);
    }
  },
};

function open(maxBytes?: number): SqliteBackend {
  return new SqliteBackend({ path, driver, sweepInterval: 20, ...(maxBytes ? { maxBytes } : {}) });
}

await programs[verb]?.();
