import {
  CloudflareKVBackend,
  type CloudflareKVBackendOptions,
  type KVBinding,
} from '../../src/backends/cloudflare-kv/cloudflare-kv.js';
import { startKv, type TestKv } from './cloudflare-kv.js';
import { startKvRest, type TestKvRest } from './cloudflare-rest.js';

/** On a busy machine workerd takes its time. */
export const PATIENT = { requestTimeout: '60s' } as const;

/** A namespace in workerd that backends reach both ways. */
export interface TestKvBothWays extends TestKv {
  rest: TestKvRest;
  /** A new backend over the namespace's binding, or over `own`. */
  bound(own?: KVBinding, options?: CloudflareKVBackendOptions): CloudflareKVBackend;
  /** A new backend over the REST API, whose server has no trouble and has been asked nothing. */
  restBackend(options?: CloudflareKVBackendOptions): CloudflareKVBackend;
}

export async function startKvBothWays(): Promise<TestKvBothWays> {
  const { binding, stop } = await startKv();
  const rest = await startKvRest(binding);
  return {
    binding,
    rest,
    bound: (own = binding, options = {}) => new CloudflareKVBackend({ ...PATIENT, binding: own, ...options }),
    restBackend: (options = {}) => {
      Object.assign(rest, { asked: [], mostAtOnce: 0, trouble: () => undefined });
      return new CloudflareKVBackend({ ...PATIENT, ...rest.access, ...options });
    },
    stop: async () => {
      await rest.stop();
      await stop();
    },
  };
}
