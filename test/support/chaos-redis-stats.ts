import { Redis } from 'ioredis';

/** Calls of each command that a server has served, by its name in lower case. */
export async function commandCounts(url: string): Promise<Record<string, number>> {
  const client = new Redis(url, { maxRetriesPerRequest: 0, disableClientInfo: true });
  client.on('error', () => {});
  try {
    const info = await client.info('commandstats');
    const lines = info.matchAll(/^cmdstat_([^:]+):calls=(\d+)/gm);
    return Object.fromEntries([...lines].map(([, name, calls]) => [name, Number(calls)]));
  } finally {
    client.disconnect();
  }
}

/** Commands that read records. */
export async function readCommands(url: string): Promise<number> {
  const { mget = 0, get = 0, getrange = 0 } = await commandCounts(url);
  return mget + get + getrange;
}

/** Commands that applications send: not those that clients greet with, nor what looks at the server. */
export async function applicationCommands(url: string): Promise<number> {
  const counts = await commandCounts(url);
  return Object.entries(counts).reduce((sum, [name, calls]) => (ASIDE.test(name) ? sum : sum + calls), 0);
}

const ASIDE = /^(info|hello|ping|auth|select|client|command|config|subscribe|psubscribe)/;
