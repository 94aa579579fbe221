import { Miniflare } from 'miniflare';
import type { KVBinding } from '../../src/backends/cloudflare-kv/cloudflare-kv.js';

/** A KV namespace in workerd, Cloudflare's own runtime, kept in memory. */
export interface TestKv {
  binding: KVBinding;
  stop(): Promise<void>;
}

/** Starts workerd with one namespace. Its binding is what a Worker has, called from here through a proxy. */
export async function startKv(): Promise<TestKv> {
  const runtime = new Miniflare({
    modules: true,
    script: 'export default {}',
    compatibilityDate: '2024-09-23',
    kvNamespaces: ['CACHE'],
  });
  const binding = (await runtime.getKVNamespace('CACHE')) as unknown as KVBinding;
  return { binding, stop: () => runtime.dispose() };
}

/** What a binding was asked, in order. */
export interface AskedOfBinding {
  method: keyof KVBinding;
  /** The arguments, the first of them the key, the keys, or the options of `list`. */
  arguments: unknown[];
}

/** A binding that notes what it is asked; `instead` may answer in its place, or throw, and returns undefined to let it pass. */
export function watched(
  binding: KVBinding,
  instead: (call: AskedOfBinding) => Promise<unknown> | undefined = () => undefined,
): KVBinding & { asked: AskedOfBinding[]; count(method: keyof KVBinding): number } {
  const asked: AskedOfBinding[] = [];
  const watch =
    (method: keyof KVBinding) =>
    (...given: unknown[]) => {
      const call = { method, arguments: given };
      asked.push(call);
      const pass = binding[method] as (...given: unknown[]) => Promise<unknown>;
      return instead(call) ?? pass(...given);
    };
  return {
    asked,
    count: (method) => asked.filter((call) => call.method === method).length,
    getWithMetadata: watch('getWithMetadata') as KVBinding['getWithMetadata'],
    put: watch('put') as KVBinding['put'],
    delete: watch('delete') as KVBinding['delete'],
    list: watch('list') as KVBinding['list'],
  };
}
