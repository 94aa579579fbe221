import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const pathOf = (file: string) => fileURLToPath(new URL(file, import.meta.url));

/** The command as it is published; with VECSTASH_TEST_SRC set, as it stands in src. */
export const command = process.env.VECSTASH_TEST_SRC
  ? ['--import', 'tsx', pathOf('../../src/cli/main.ts')]
  : [pathOf('../../dist/esm/cli/main.js')];

/** `vecstash serve`, running. */
export interface ServeProcess {
  /** What a client takes as its base URL. */
  url: string;
  origin: string;
  child: ChildProcess;
  /** What it has written so far, on either stream. */
  output(): string;
  /** Asks for embeddings. */
  embed(
    body: unknown,
    options?: { key?: string; headers?: Record<string, string>; signal?: AbortSignal },
  ): Promise<Response>;
  /** Sends a signal and resolves to the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
}

const running = new Set<ChildProcess>();
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** Starts the command on a free port, and resolves when it listens. */
export async function startServe(
  upstream: string,
  args: string[] = [],
  { env = {}, node = [] }: { env?: NodeJS.ProcessEnv; node?: string[] } = {},
): Promise<ServeProcess> {
  const child = spawn(
    process.execPath,
    [...node, ...command, 'serve', '--upstream', upstream, '--port', '0', ...args],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...env },
    },
  );
  running.add(child);
  const exited = once(child, 'exit').finally(() => running.delete(child));
  let output = '';
  const origin = await new Promise<string>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        output += text;
        const found = /serves (http:\S+)\/v1 [\s\S]*keeps vectors/.exec(output);
        if (found) resolve(found[1] as string);
      });
    }
    exited.then(([code]) => reject(new Error(`serve ended with ${code}: ${output}`)), reject);
  });
  const url = `${origin}/v1`;
  return {
    url,
    origin,
    child,
    output: () => output,
    embed: (body, { key = 'good', headers = {}, signal } = {}) =>
      fetch(`${url}/embeddings`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', authorization: `Bearer ${key}`, ...headers },
        body: typeof body === 'string' ? body : JSON.stringify(body),
        signal: signal ?? null,
      }),
    async stop(signal = 'SIGTERM') {
      child.kill(signal);
      const [code] = await exited;
      return code as number | null;
    },
  };
}

/** The vectors of an answer, in the order of `data`, whichever way they are written. */
export function vectorsOf({ data }: { data: { index: number; embedding: string | number[] }[] }): Float32Array[] {
  return data.map(({ embedding }) => {
    if (typeof embedding !== 'string') return Float32Array.from(embedding);
    const bytes = Buffer.from(embedding, 'base64');
    return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
  });
}

/** The counts that an answer's headers tell: hits, misses. */
export const countsOf = ({ headers }: Response) => [
  Number(headers.get('x-vecstash-hits') ?? Number.NaN),
  Number(headers.get('x-vecstash-misses') ?? Number.NaN),
];
