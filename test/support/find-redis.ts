import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/** Tells test files what `findRedis` found, so that it looks once for all of them. */
export const REDIS_SERVER_VARIABLE = 'VECSTASH_TEST_REDIS_SERVER';

/** What serves Redis when no binary can be had. */
export const DOCKER = 'docker';

/**
 * The path of a Redis or Valkey server, or `DOCKER`, or the empty string where TEST_REDIS_URL names a running one. Installs a
 * server where this may be done. The application's own REDIS_URL is never used.
 */
export async function findRedis(): Promise<string> {
  if (process.env.TEST_REDIS_URL) return '';
  const known = process.env[REDIS_SERVER_VARIABLE];
  if (known !== undefined) return known;
  const installed = onPath('redis-server') ?? onPath('valkey-server') ?? installByApt();
  if (installed) return installed;
  if (await hasDocker()) return DOCKER;
  throw new Error('no Redis for the tests: install redis-server, start Docker, or set TEST_REDIS_URL');
}

function onPath(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path));
}

function installByApt(): string | undefined {
  if (process.getuid?.() !== 0 || !onPath('apt-get')) return undefined;
  const options = { stdio: 'ignore', env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' } } as const;
  try {
    execFileSync('apt-get', ['update'], options);
    execFileSync('apt-get', ['install', '-y', '--no-install-recommends', 'redis-server'], options);
  } catch {
    return undefined;
  }
  return onPath('redis-server');
}

async function hasDocker(): Promise<boolean> {
  try {
    const { getContainerRuntimeClient } = await import('testcontainers');
    await getContainerRuntimeClient();
    return true;
  } catch {
    return false;
  }
}
