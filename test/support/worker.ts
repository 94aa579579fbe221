import { readFileSync } from 'node:fs';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { build, type Metafile } from 'esbuild';
import { Miniflare } from 'miniflare';
import type { KVBinding } from '../../src/backends/cloudflare-kv/cloudflare-kv.js';

/** The core, as the package has it. */
const CORE = fileURLToPath(new URL('../../native/vecstash.wasm', import.meta.url));

/** The oldest date that has what the package needs, and the flag for it. Later ones have it too. */
export const OLDEST = { compatibilityDate: '2024-09-23', compatibilityFlags: ['nodejs_compat'] };

export interface Bundle {
  code: string;
  inputs: Metafile['inputs'];
}

/** Bundles a Worker, worker-entry.mjs unless another is named, with the built package as Cloudflare's own tools do: no platform, and the conditions of a Worker. */
export async function bundleWorker({
  entry = new URL('worker-entry.mjs', import.meta.url),
  minify = false,
}: {
  entry?: URL;
  minify?: boolean;
} = {}): Promise<Bundle> {
  const { outputFiles, metafile } = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module', 'main'],
    conditions: ['workerd', 'worker', 'import'],
    // A Worker's tools leave modules of WebAssembly as they are: the runtime imports them.
    external: ['node:*', '*.wasm'],
    minify,
    metafile: true,
    write: false,
  });
  return { code: outputFiles[0]?.text as string, inputs: metafile.inputs };
}

/** What the Worker tells beside its answer. */
export interface Told {
  /** The texts that its model was asked for. */
  asked: string[];
  stats: Record<string, { hits: number; misses: number; corrupt: number; errors: number }>;
  engine: string;
}

export interface TestWorker {
  /** The Worker's own namespace, from outside. */
  binding: KVBinding;
  ask(body: object): Promise<{ bytes: Uint8Array; told: Told }>;
  /** The JSON that the Worker answers with. */
  askJson(body: object): Promise<unknown>;
  stop(): Promise<void>;
}

/** What Miniflare runs of a bundle: that, and the core which it imports. */
export function workerModules(code: string) {
  return [
    // As deep as the file that imports the core, whose path to it stays in the bundle.
    { type: 'ESModule' as const, path: 'shims/worker.mjs', contents: code },
    { type: 'CompiledWasm' as const, path: 'native/vecstash.wasm', contents: readFileSync(CORE) },
  ];
}

/** Runs a bundle in workerd. What the Worker throws is the answer's status and text, and rejects. */
export async function startWorker(
  code: string,
  settings: { compatibilityDate: string; compatibilityFlags?: string[] },
): Promise<TestWorker> {
  const runtime = new Miniflare({
    modules: workerModules(code),
    kvNamespaces: ['CACHE'],
    // A Worker that does not start says so here, many lines long; the error that `ready` throws is enough.
    handleRuntimeStdio: (stdout: Readable, stderr: Readable) => {
      stdout.resume();
      stderr.resume();
    },
    ...settings,
  });
  try {
    await runtime.ready;
  } catch (error) {
    await runtime.dispose().catch(() => {});
    throw error;
  }
  const post = async (body: object) => {
    const response = await runtime.dispatchFetch('http://worker/', { method: 'POST', body: JSON.stringify(body) });
    if (!response.ok) throw new Error(`${response.status} ${await response.text()}`);
    return response;
  };
  return {
    binding: (await runtime.getKVNamespace('CACHE')) as unknown as KVBinding,
    async ask(body) {
      const response = await post(body);
      const bytes = new Uint8Array(await response.arrayBuffer());
      return { bytes, told: JSON.parse(response.headers.get('x-told') as string) as Told };
    },
    askJson: async (body) => (await post(body)).json(),
    stop: () => runtime.dispose(),
  };
}
