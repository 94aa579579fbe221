/** What the SQLite tests run in other processes: `sqlite-process.ts DRIVER PATH 'read KEY' | 'write KEY BYTE' | 'fill NAME COUNT START'`. */
import { SqliteBackend } from '../../src/backends/sqlite.js';
import type { SqliteDriver } from '../../src/backends/sqlite-driver.js';
import { until } from '../../src/testing/until.js';

const [driver, path, program] = process.argv.slice(2) as [SqliteDriver, string, string];
const [verb, name, argument, start = '0'] = program.split(' ') as [string, string, string, string?];
while (Date.now() < Number(start));
const backend = new SqliteBackend({ path, driver });

if (verb === 'read') {
  const [value] = await backend.getMany([name]);
  console.log([...(value ?? [])].join());
} else if (verb === 'write') {
  await backend.setMany([{ key: name, value: Uint8Array.of(Number(argument)) }]);
  console.log('done');
} else {
  let written = 0;
  for (let index = 0; index < Number(argument); index += 1) {
    const value = new Uint8Array(index);
    // Another process's transaction may be in the way: that is a failed write, and here it is tried again.
    await until(`${name}${index} is written`, () =>
      backend.setMany([{ key: `${name}${index}`, value }]).then(
        () => true,
        () => false,
      ),
    );
    written += 1;
  }
  console.log(written);
}
await backend.close();
