import type { Redis } from 'ioredis';
import { escapeGlob } from '../glob.js';
import type { LockNames } from './locks/lock-names.js';

/** What one SCAN step looks at. */
const SCAN_COUNT = 1000;

/**
 * The names of the locks on one server whose keys begin with `prefix`, page by page. Names and
 * prefix are the server's.
 */
export async function* scanLocks(client: Redis, names: LockNames, prefix: string): AsyncGenerator<Buffer[]> {
  for await (const found of scan(client, names.patternFor(prefix))) {
    const locks = found.filter((name) => names.keyOf(name.toString())?.startsWith(prefix));
    if (locks.length > 0) yield locks;
  }
}

/**
 * The keys of one server that begin with `prefix`, page by page, locks apart. A key may come twice.
 * Keys and prefix are the server's.
 */
export async function* scanRecords(
  client: Redis,
  names: LockNames,
  prefix: string,
): AsyncGenerator<{ records: Buffer[]; locks: Buffer[] }> {
  for await (const found of scan(client, `${escapeGlob(prefix)}*`)) {
    const [records, locks]: [Buffer[], Buffer[]] = [[], []];
    for (const name of found) {
      const key = name.includes('lock:') ? names.keyOf(name.toString()) : undefined;
      if (key === undefined) records.push(name);
      else if (key.startsWith(prefix)) locks.push(name);
    }
    yield { records, locks };
  }
}

async function* scan(client: Redis, pattern: string): AsyncGenerator<Buffer[]> {
  let cursor = '0';
  do {
    const [next, keys] = await client.scanBuffer(cursor, 'MATCH', pattern, 'COUNT', SCAN_COUNT);
    if (keys.length > 0) yield keys;
    cursor = next.toString();
  } while (cursor !== '0');
}
