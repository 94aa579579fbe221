import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Consumer, installConsumer } from '../support/consumer.js';

/** Packages that are a Node each: the npm registry has binaries of it, for this platform among others. */
export const NODES = process.platform === 'linux' && process.arch === 'x64' ? ['node-22', 'node-24', 'node-26'] : [];

/** A project with the packed package, ioredis, the job and these. */
export async function installForRuntimes(...packages: string[]): Promise<Consumer> {
  const consumer = await installConsumer('ioredis', ...NODES, ...packages);
  for (const name of ['job.cjs', 'suite.cjs'])
    consumer.write({ [name]: readFileSync(new URL(name, import.meta.url), 'utf8') });
  return consumer;
}

/** The Node that test runners run in: 24 where that can be installed, which has SQLite. */
export function nodeOf(consumer: Consumer): string {
  return NODES.includes('node-24') ? join(consumer.folder, 'node_modules/node-24/bin/node') : process.execPath;
}
