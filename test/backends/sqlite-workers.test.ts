import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { SqliteDriver } from '../../src/backends/sqlite/driver/driver.js';
import { ask, forEachDriver, newPath } from '../support/sqlite-files.js';

/** What a process says that terminates workers, and how it ended: it is a process of its own because all of it may be aborted. */
async function terminate(driver: SqliteDriver, path: string, program: string, rounds: number) {
  const script = fileURLToPath(new URL('../support/sqlite-workers.ts', import.meta.url));
  const child = spawn(process.execPath, [...process.execArgv, script, driver, path, program, String(rounds)]);
  let output = '';
  const note = (chunk: Buffer) => {
    output += chunk;
  };
  child.stdout.on('data', note);
  child.stderr.on('data', note);
  const [code, signal] = await once(child, 'close');
  return { code, signal, output: output.trim() };
}

forEachDriver('workers', (driver) => {
  const test = suite(`SqliteBackend over ${driver}, workers`);

  test('a worker that is terminated while a busy file refuses it does not abort the process', async () => {
    const ended = await terminate(driver, newPath(), 'busy', 8);
    assert.equal({ ...ended, output: ended.output.slice(-8) }, { code: 0, signal: null, output: 'survived' });
  });

  test('workers that are terminated while they work leave the process and the file whole', async () => {
    const path = newPath();
    const ended = await terminate(driver, path, 'work', 8);
    assert.equal({ ...ended, output: ended.output.slice(-8) }, { code: 0, signal: null, output: 'survived' });
    assert.equal(Object.values(ask(driver, path, 'PRAGMA integrity_check')), ['ok']);
    const { bytes, sum } = ask(driver, path, 'SELECT bytes, (SELECT total(size) FROM records) AS sum FROM totals');
    assert.is(bytes, sum);
  });

  test.run();
});
