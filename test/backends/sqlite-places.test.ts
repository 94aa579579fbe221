import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { freeBytes } from '../../src/backends/sqlite/file/path.js';
import { SqliteBackend, type SqliteBackendOptions } from '../../src/backends/sqlite/sqlite.js';
import { BackendError } from '../../src/errors.js';
import { until } from '../../src/testing/until.js';
import { rejection } from '../support/rejection.js';
import { skipped } from '../support/skip.js';
import { entry, folder, forEachDriver, newPath } from '../support/sqlite-files.js';

const NOBODY = 65534;
const isRoot = process.geteuid?.() === 0;
const ENDS = ['', '-wal', '-shm'];

/** A disk of so many bytes, in memory; undefined where this process may not mount one. */
function smallDisk(bytes: number): { path: string; remove: () => void } | undefined {
  const path = newPath();
  mkdirSync(path);
  if (!isRoot || spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'none', path]).status !== 0)
    return undefined;
  return { path, remove: () => void spawnSync('umount', ['-l', path]) };
}

/** Takes all that is left of a disk. */
function fill(path: string): void {
  const file = openSync(path, 'w');
  try {
    for (;;) writeSync(file, Buffer.alloc(4096));
  } catch (error) {
    assert.is((error as NodeJS.ErrnoException).code, 'ENOSPC');
  } finally {
    closeSync(file);
  }
}

forEachDriver('places', (driver) => {
  const test = suite(`SqliteBackend over ${driver}, places of files`);
  const open = (path: string, options: Partial<SqliteBackendOptions> = {}) =>
    new SqliteBackend({ path, driver, ...options });
  const lengthOf = async (backend: SqliteBackend, key: string) => (await backend.getMany([key]))[0]?.length;

  test('a path through symbolic links is the file that they lead to, whether or not it is there yet', async () => {
    const [target, link, second] = [newPath(), newPath(), newPath()];
    symlinkSync(basename(target), link);
    symlinkSync(link, second);
    const first = open(second);
    await first.setMany(Array.from({ length: 100 }, (_, index) => entry(`k${index}`, 3000)));
    // The log is long beside a file that is short.
    assert.ok(statSync(`${target}-wal`).size > 100_000);
    const backend = open(link);
    assert.is(await lengthOf(backend, 'k99'), 3000);
    await backend.close();
    await first.close();
    assert.ok(statSync(target).isFile());
    for (const path of [link, second]) assert.not.ok(existsSync(`${path}-wal`) || existsSync(`${path}-shm`));
    const linkedFolder = newPath();
    symlinkSync(dirname(target), linkedFolder);
    const again = open(join(linkedFolder, basename(target)));
    assert.is(await lengthOf(again, 'k0'), 3000);
    await again.close();
  });

  test('links that lead nowhere are refused', () => {
    const [one, two] = [newPath(), newPath()];
    symlinkSync(one, two);
    symlinkSync(two, one);
    assert.throws(
      () => open(one),
      (error: Error) => error instanceof BackendError && /may read and write/.test(error.message),
    );
  });

  test('nobody but its owner reads a new file and those beside it, whatever the umask', async () => {
    for (const mask of [0, 0o022, 0o277]) {
      const path = newPath();
      const before = process.umask(mask);
      try {
        const backend = open(path);
        await backend.setMany([entry('a', 10)]);
        for (const end of ENDS) assert.is(statSync(path + end).mode & 0o777, 0o600, `${end} with ${mask.toString(8)}`);
        await backend.close();
      } finally {
        process.umask(before);
      }
    }
  });

  test('the rights of a file that was there are kept', async () => {
    const path = newPath();
    writeFileSync(path, '');
    chmodSync(path, 0o640);
    const backend = open(path);
    await backend.setMany([entry('a', 10)]);
    for (const end of ENDS) assert.is(statSync(path + end).mode & 0o777, 0o640, end);
    await backend.close();
  });

  test('a folder without rights is told of with a typed error, at the beginning and later', async () => {
    const place = newPath();
    mkdirSync(place);
    const path = join(place, 'cache.sqlite');
    const backend = open(path);
    await backend.setMany([entry('a', 10)]);
    chmodSync(folder, 0o755);
    chmodSync(place, 0o000);
    try {
      if (isRoot) process.seteuid?.(NOBODY);
      assert.throws(
        () => open(path),
        (error: Error) => error instanceof BackendError && !error.message.includes(place),
      );
      const error = await rejection(backend.setMany([entry('b', 10)]));
      assert.instance(error, BackendError);
      assert.not.ok(error.message.includes(place));
    } finally {
      if (isRoot) process.seteuid?.(0);
      chmodSync(place, 0o755);
    }
    await backend.setMany([entry('b', 10)]);
    assert.is(await lengthOf(backend, 'a'), 10);
    await backend.close();
  });

  test('a file that was deleted is made anew, and one that took its place is used', async () => {
    const path = newPath();
    const backend = open(path);
    await backend.setMany([entry('old', 10)]);
    rmSync(path);
    await until('it is noticed', async () => {
      await backend.setMany([entry('new', 10)]);
      return existsSync(path);
    });
    assert.equal(
      (await backend.getMany(['old', 'new'])).map((value) => value?.length),
      [undefined, 10],
    );
    const other = newPath();
    const another = open(other);
    await another.setMany([entry('theirs', 20)]);
    await another.close();
    for (const end of ENDS) rmSync(path + end, { force: true });
    renameSync(other, path);
    await until('it is noticed', async () => (await lengthOf(backend, 'theirs')) === 20);
    await backend.setMany([entry('ours', 30)]);
    const reader = open(path);
    assert.is(await lengthOf(reader, 'ours'), 30);
    await reader.close();
    assert.ok((await backend.health()).ok);
    await backend.close();
  });

  test('calls that are under way when the file is replaced end', async () => {
    const path = newPath();
    const backend = open(path, { sweepInterval: 5 });
    const entries = Array.from({ length: 20_000 }, (_, index) => entry(`k${index}`, 100));
    const writing = backend.setMany(entries);
    await until('it is under way', async () => (await lengthOf(backend, 'k0')) === 100);
    const reading = backend.getMany(entries.map(({ key }) => key));
    rmSync(path);
    await Promise.all([writing, reading, backend.clear('k1'), backend.locks.acquire(['a'], 'one', 1000)]);
    await backend.close();
  });

  test('what took the place of a file and is none of ours is left alone, and told of until it goes', async () => {
    const path = newPath();
    const backend = open(path);
    await backend.setMany([entry('a', 10)]);
    for (const end of ENDS) rmSync(path + end, { force: true });
    writeFileSync(path, 'this is no database. '.repeat(300));
    await until('it is noticed', async () => !(await backend.health()).ok);
    assert.match((await backend.health()).detail ?? '', /not a database/);
    for (const call of [
      () => backend.setMany([entry('b', 1)]),
      () => backend.getMany(['a']),
      () => backend.clear(''),
    ]) {
      const error = await rejection(call() as Promise<unknown>);
      assert.instance(error, BackendError);
      assert.match(error.message, /not a database/);
    }
    assert.is(statSync(path).size, 6300);
    rmSync(path);
    await until('it is well again', async () => (await backend.health()).ok);
    await backend.setMany([entry('b', 10)]);
    await backend.close();
    assert.ok(existsSync(path));
  });

  test('a full disk refuses writes, is read, and lets removals free it', async () => {
    for (const isOthers of [false, true]) {
      const disk = smallDisk(8 * 2 ** 20);
      if (!disk) return skipped(`a full disk over ${driver}: this process may not mount one`);
      try {
        const path = join(disk.path, 'cache.sqlite');
        const backend = open(path, { sweepInterval: 20 });
        let failure: unknown;
        let count = 0;
        for (; failure === undefined && !(isOthers && count === 40); count += 1) {
          const batch = Array.from({ length: 20 }, (_, index) => entry(`${count}:${index}`, 3000));
          failure = await backend.setMany(batch).catch((error) => error);
        }
        if (isOthers) fill(join(disk.path, 'filler'));
        failure = await rejection(backend.setMany([entry('more', 3000)]));
        assert.instance(failure, BackendError);
        assert.match((failure as Error).message, /free space on the disk/);
        assert.is(await lengthOf(backend, '0:0'), 3000);
        // Of many pages: more than the log has room for at once.
        const spread = Array.from({ length: count - 1 }, (_, index) => `${index}:${index % 20}`);
        assert.is(await backend.deleteMany(spread), count - 1);
        const cleared = await backend.clear('');
        assert.ok(cleared >= (count - 1) * 19, `${cleared} of ${count * 20}`);
        const writes = () =>
          backend.setMany([entry('more', 3000)]).then(
            () => true,
            () => false,
          );
        await until('the log has been copied, and writes are taken', writes);
        await until('the disk has some of it back', () => freeBytes(path) >= 2 ** 20);
        assert.is(await lengthOf(backend, 'more'), 3000);
        await backend.close();
        assert.equal(readdirSync(disk.path).sort(), isOthers ? ['cache.sqlite', 'filler'] : ['cache.sqlite']);
      } finally {
        disk.remove();
      }
    }
  });

  test('a sweep may be as rare as it likes', async () => {
    const warnings: Error[] = [];
    const note = (warning: Error) => void warnings.push(warning);
    process.on('warning', note);
    const backend = open(newPath(), { sweepInterval: '300d' });
    await new Promise((resolve) => setTimeout(resolve, 20));
    await backend.close();
    process.off('warning', note);
    assert.equal(warnings, []);
  });

  test.run();
});
