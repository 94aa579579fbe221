import type { Requester } from '@upstash/redis';
import loadUpstashRedis from '#optional/upstash-redis';
import { BackendError, InvalidOptionError } from '../../errors.js';
import { packageProblem } from '../../packages.js';

/** The names of two environment variables: of a URL and of its token. */
export type EnvironmentNames = readonly [url: string, token: string];

interface Given {
  url?: string | undefined;
  token?: string | undefined;
}

/**
 * What is given, and for what is not, the first pair of environment variables that completes it: a
 * token is not sent to another database's URL. Throws `InvalidOptionError` where no pair does.
 */
export function credentialsOf(given: Given, names: readonly EnvironmentNames[]): { url: string; token: string } {
  for (const [urlName, tokenName] of names) {
    // An empty variable is one that is not set.
    const url = given.url ?? process.env[urlName];
    const token = given.token ?? process.env[tokenName];
    if (url && token) return { url, token };
  }
  const option = (given.url ?? names.some(([name]) => process.env[name])) ? 'token' : 'url';
  const variables = names.map(([url, token]) => `${url} and ${token}`).join(', or ');
  throw new InvalidOptionError(
    option,
    `a ${option} here or in the environment (${variables}), or a client`,
    'none of them',
  );
}

/**
 * Makes a client and returns what it sends requests with. Throws `BackendError` where
 * @upstash/redis is not installed.
 */
export function openRequester(url: string, token: string): Requester {
  const { Redis } = loadUpstash();
  const client = new Redis({
    url,
    token,
    // Values are base64 already: to have answers encoded once more would make them a third larger,
    // and slow to decode.
    responseEncoding: false,
    // Its retries know neither what was sent nor how much time is left.
    retry: { retries: 0 },
    enableTelemetry: false,
    latencyLogging: false,
    enableAutoPipelining: false,
  });
  const requester = requesterOf(client);
  if (!requester)
    throw new BackendError('Upstash needs another version of @upstash/redis: npm install @upstash/redis@1');
  return requester;
}

/**
 * A `Redis` of @upstash/redis, told by what all its builds have. Each build (ESM, CommonJS,
 * Workers, Fastly) has a class of its own, and TypeScript takes none of them for another.
 */
export interface UpstashClient {
  pipeline(): object;
  createScript(script: string): object;
}

/**
 * What a client sends its requests with, whatever it does with answers (`automaticDeserialization`
 * turns texts such as 'true' or '1234' into other values) and with calls (`enableAutoPipelining`).
 * Undefined where it is no client of @upstash/redis.
 */
export function requesterOf(client: unknown): Requester | undefined {
  if (typeof client !== 'object' || client === null) return undefined;
  // Protected for TypeScript only; whoever subclasses or wraps `Redis` passes a `Requester` here,
  // so it is no secret.
  const requester = (client as { client?: Partial<Requester> | null }).client;
  const isUpstash =
    typeof requester?.request === 'function' && typeof (client as UpstashClient).pipeline === 'function';
  return isUpstash ? (requester as Requester) : undefined;
}

function loadUpstash(): typeof import('@upstash/redis') {
  try {
    return loadUpstashRedis() as typeof import('@upstash/redis');
  } catch (error) {
    throw new BackendError(packageProblem('Upstash', '@upstash/redis', error), { cause: error });
  }
}
