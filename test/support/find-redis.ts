import { findProgram, onPath } from './programs.js';

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
  const installed = onPath('redis-server') ?? onPath('valkey-server') ?? findProgram('redis-server', 'redis-server');
  if (installed) return installed;
  if (await hasDocker()) return DOCKER;
  throw new Error('no Redis for the tests: install redis-server, start Docker, or set TEST_REDIS_URL');
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
