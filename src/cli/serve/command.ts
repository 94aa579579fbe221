import { once } from 'node:events';
import type { AddressInfo } from 'node:net';

import { createCache } from '../../cache/cache.js';
import { redactedCause, VecstashError } from '../../errors.js';
import { clearTimeout, MAX_TIMER_MS, performance, setTimeout } from '../../runtime.js';
import { BACKEND_EXPECTED, type BackendChoice, backendOf } from '../backends.js';
import { count, flag, name, type Option, readOptions, size, text, time, UsageError, url } from '../options.js';
import { AcceptedKeys } from './accepted-keys.js';
import { EmbeddingsRoute } from './embeddings-route.js';
import { createFind } from './find.js';
import { identityOf } from './identity.js';
import { openMetrics, type ServeMetrics } from './metrics.js';
import { KeptSecret } from './secret.js';
import { createHttpServer, type LogLine } from './server.js';
import { Upstream } from './upstream.js';

const ABOUT = `Answers POST /v1/embeddings from a cache, and asks the upstream for what is missing.
Set a client's base URL to http://HOST:PORT/v1 and nothing else. VECSTASH_SECRET, a random text, keeps
entries apart by their callers' keys; without it one is made and kept in the backend.`;

const backend: Option<BackendChoice> = {
  about: BACKEND_EXPECTED.replaceAll(' such as memory:256mb', ''),
  value: 'BACKEND',
  read: backendOf,
  expected: BACKEND_EXPECTED,
  default: 'memory',
};

const OPTIONS = {
  upstream: url('the API in front of which this stands, such as https://api.openai.com/v1'),
  backend,
  port: count('the port; 0 takes a free one', 0, 65_535, { default: '8787', env: ['VECSTASH_PORT', 'PORT'] }),
  host: text('ADDRESS', 'the address to listen on; 0.0.0.0 is every one', { default: '127.0.0.1' }),
  namespace: name('where entries lie', 'serve'),
  shared: flag('callers share entries; unless set, entries are of one key each'),
  ttl: time('how long entries live; for ever unless set'),
  timeout: time('how long a request may take', '60s'),
  'max-body': size('the most that a request may have', '16mb'),
  'max-inputs': count('the most inputs of a request', 1, 100_000, { default: '2048' }),
  'key-ttl': time('how long a key that the upstream has accepted is not checked again', '10m'),
  retries: count('how often a request to the upstream is repeated after 429, 5xx or no answer', 0, 10, {
    default: '2',
  }),
  log: text('FORMAT', 'a line for each request on stdout: json, plain or none', {
    read: (given) => (/^(json|plain|none)$/.test(given) ? given : undefined),
    expected: 'json, plain or none',
    default: 'none',
  }),
};

const LOGS: Record<string, ((line: LogLine) => void) | undefined> = {
  json: (line) => process.stdout.write(`${JSON.stringify(line)}\n`),
  plain: ({ time, method, route, status, ms, hits, misses }) =>
    process.stdout.write(
      `${time} ${method} ${route} ${status} ${ms}ms${hits === undefined ? '' : ` ${hits}+${misses}`}\n`,
    ),
};

/** How long requests under way may take after a signal, in milliseconds. */
const GRACE = 10_000;

const say = (message: string) => process.stderr.write(`vecstash: ${message}\n`);

/** Serves until a signal comes. */
export async function run(args: string[], version: string): Promise<void> {
  // Whoever read what is written may go.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  const options = readOptions('serve', ABOUT, OPTIONS, args);
  if (options.upstream === undefined) {
    throw new UsageError('--upstream is missing: give the base URL of an API, such as https://api.openai.com/v1');
  }
  const given = process.env.VECSTASH_SECRET;
  if (given !== undefined && given.length < 16) {
    throw new UsageError('VECSTASH_SECRET has to have at least 16 characters: openssl rand -base64 32 makes one');
  }
  const complain = createComplaints();
  const chosen = options.backend as BackendChoice;
  const cache = createCache({
    backend: await chosen.open(),
    logger: { warn: ({ operation, error }) => complain(`cache ${operation} failed: ${error}`) },
  });
  const namespace = options.namespace as string;
  const lost = 'the secret could not be stored yet: what is cached until then is not found after a restart';
  const kept = given === undefined ? await KeptSecret.of(cache, namespace, () => say(lost)) : undefined;
  const own = Buffer.from(given ?? '');
  const secret = () => kept?.current ?? own;
  const metrics = metricsOrReason();
  const accepted = new AcceptedKeys(options['key-ttl'] as number);
  const upstream = new Upstream(options.upstream, version, (status, caller) => {
    metrics?.upstream(status);
    if (status === 401 || status === 403) accepted.forget(identityOf(caller, secret()));
  });
  const timeoutMs = Math.min(options.timeout as number, MAX_TIMER_MS);
  const maxInputs = options['max-inputs'] as number;
  const embeddings = new EmbeddingsRoute({
    find: createFind({
      cache,
      namespace,
      ttl: options.ttl,
      retries: options.retries as number,
      timeoutMs,
      compression: chosen.compression,
      provider: options.upstream.href,
    }),
    upstream,
    accepted,
    secret,
    isShared: options.shared as boolean,
    maxInputs,
    timeoutMs,
    counts: metrics,
  });
  const { server, connections } = createHttpServer({
    cache,
    embeddings,
    upstream,
    metrics,
    log: LOGS[options.log as string],
    onError: (error) => say(`an error of its own: ${redactedCause(error).message}`),
    timeoutMs,
    maxBody: options['max-body'] as number,
  });
  server.listen(options.port, options.host);
  await once(server, 'listening');
  const { address, family, port } = server.address() as AddressInfo;
  const { protocol, host, pathname } = options.upstream;
  say(
    `serves http://${family === 'IPv6' ? `[${address}]` : address}:${port}/v1 before ${protocol}//${host}${pathname}`,
  );
  say(`keeps vectors in ${chosen.name}; ${options.shared ? 'all callers share them' : 'each key has its own'}`);
  await signalled();
  say('ends: it answers what is under way');
  const closed = once(server, 'close');
  connections.end();
  const late = setTimeout(() => {
    embeddings.abandonChecks();
    server.closeAllConnections();
  }, GRACE);
  await closed;
  clearTimeout(late);
  embeddings.abandonChecks();
  await cache.close();
  process.exit(0);
}

function metricsOrReason(): ServeMetrics | undefined {
  try {
    return openMetrics();
  } catch (error) {
    if (!(error instanceof VecstashError && error.code === 'PACKAGE_MISSING')) throw error;
    say(`/metrics is off: ${error.message}`);
    return undefined;
  }
}

/** Resolves at the first SIGTERM or SIGINT. A second one ends the process at once. */
function signalled(): Promise<void> {
  return new Promise((resolve) => {
    let isEnding = false;
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      process.on(signal, () => {
        if (isEnding) process.exit(1);
        isEnding = true;
        resolve();
      });
    }
  });
}

/**
 * What the cache complains of, each at most once in ten seconds: a store that is down would say it
 * at every request.
 */
function createComplaints(): (message: string) => void {
  const last = new Map<string, number>();
  return (message) => {
    const now = performance.now();
    if (now - (last.get(message) ?? Number.NEGATIVE_INFINITY) < 10_000) return;
    if (last.size >= 100) last.clear();
    last.set(message, now);
    say(message);
  };
}
