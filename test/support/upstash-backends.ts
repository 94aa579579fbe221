import { Redis } from '@upstash/redis';
import { UpstashBackend, type UpstashBackendOptions } from '../../src/backends/upstash/upstash.js';
import { SECRET_KEY as SECRET, SECRET_VALUE } from './secrets.js';
import type { UpstashServer } from './upstash-server.js';

/** What every key of this process begins with: the Redis behind the stand-in may be others' too. */
export const prefix = `test-${process.pid}-${Date.now()}:`;
export const SECRET_KEY = prefix + SECRET;
/** Never answered within a test, unless a test asks for less. */
export const NEVER = '1h';

/** What makes backends of this stand-in, and listens to what they send. */
export function upstashBackends(server: UpstashServer) {
  const { url, token } = server;
  return {
    open: (options: UpstashBackendOptions = {}) => new UpstashBackend({ url, token, ...options }),

    /** Over a client of the user's own, which has these settings. */
    borrow: (settings: object = {}, options: UpstashBackendOptions = {}) =>
      new UpstashBackend({ client: new Redis({ url, token, enableTelemetry: false, ...settings }), ...options }),

    /** What a call sent. */
    async requestsOf<T>(call: () => Promise<T>) {
      const before = server.requests.length;
      const result = await call();
      return { result, requests: server.requests.slice(before) };
    },
  };
}

/** Calls of each kind that tell a secret if they can. */
export const callsOf = (backend: UpstashBackend): (() => Promise<unknown>)[] => [
  () => backend.getMany([SECRET_KEY]),
  () => backend.setMany([{ key: SECRET_KEY, value: SECRET_VALUE }]),
  () => backend.deleteMany([SECRET_KEY]),
  () => backend.clear(SECRET_KEY),
];
