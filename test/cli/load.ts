import { readFileSync } from 'node:fs';
import { type Fault, startFaultUpstream, textOf } from '../support/fault-upstream.js';
import { prf } from '../support/prf.js';
import { type ServeProcess, startServe, vectorsOf } from '../support/serve-process.js';

const DIMENSIONS = 24;
const AT_ONCE = 48;
/** How long a request may take before it counts as one that hangs, in milliseconds. */
const HANG = 60_000;
/** How often a client asks again, as SDKs do. */
const MAX_TRIES = 30;

/** How often the upstream fails, of a hundred calls. */
const FAULTS: [Fault, number][] = [
  ['429', 4],
  ['500', 3],
  ['cut', 2],
  ['half', 1],
  ['count', 2],
];

/** What a mixed load came to. */
export interface LoadFigures {
  /** That were answered. */
  requests: number;
  /** Vectors that were not those of their inputs, or in another place. */
  wrong: number;
  hangs: number;
  /** Requests that had no answer after `MAX_TRIES`. */
  failed: number;
  /** Inputs that the upstream answered more than once, by key, model and dimensions. */
  askedTwice: number;
  distinct: number;
  inputs: number;
  hits: number;
  /** Answers of the upstream, by status or fault. */
  upstream: Record<string, number>;
  /** Answers of serve, by status. */
  statuses: Record<string, number>;
  /** Resident memory of serve in the course of the load, in MiB; empty where the system does not tell. */
  memory: number[];
}

export interface Load {
  requests: number;
  /** Ends the load before all requests are sent. @default never */
  seconds?: number;
  seed: number;
  /** How many texts, and token arrays, there are to ask for. @default a fifth of the requests */
  pool?: number;
  /** Of serve. */
  args?: string[];
}

/** How often memory is looked at, in milliseconds. */
const MEMORY_EVERY = 1000;

/** Sends requests of 1 to 256 inputs, with duplicates, in every form, to a serve whose upstream fails now and then. */
export async function mixedLoad({ requests, seconds, seed, pool, args = [] }: Load): Promise<LoadFigures> {
  const random = randomOf(seed);
  const drawFault = randomOf(seed + 1);
  const upstream = await startFaultUpstream({
    dimensions: DIMENSIONS,
    delay: () => 1,
    fault() {
      let chance = drawFault() * 100;
      for (const [fault, share] of FAULTS) {
        chance -= share;
        if (chance < 0) return fault;
      }
      return 'none';
    },
  });
  const serve = await startServe(upstream.url, ['--key-ttl', '1d', ...args]);
  const figures: LoadFigures = {
    requests: 0,
    wrong: 0,
    hangs: 0,
    failed: 0,
    askedTwice: 0,
    distinct: 0,
    inputs: 0,
    hits: 0,
    upstream: {},
    statuses: {},
    memory: [],
  };
  const expected = new Map<string, Buffer>();
  const vectorOf = (input: unknown, dimensions: number): Buffer => {
    const id = `${dimensions} ${textOf(input)}`;
    const known = expected.get(id) ?? Buffer.from(prf(textOf(input), dimensions).buffer);
    expected.set(id, known);
    return known;
  };
  const texts = pool ?? Math.max(300, requests / 5);
  // Most ask for what is new or rare, some for what is asked for often.
  const draw = () => Math.floor(texts * random() ** 2);
  const tokens = (n: number) => [n, n % 7, 70_000 + (n % 11)];

  const one = async () => {
    const size = Math.max(1, Math.floor(256 ** random()));
    const isTokens = random() < 0.2;
    const inputs: unknown[] = Array.from({ length: size }, () => (isTokens ? tokens(draw()) : `text ${draw()}`));
    for (let i = 1; i < size; i++) if (random() < 0.1) inputs[i] = inputs[i - 1];
    const dimensions = random() < 0.2 ? 8 : undefined;
    const body = {
      model: random() < 0.5 ? 'm' : 'n',
      input: size === 1 && random() < 0.5 ? inputs[0] : inputs,
      ...(dimensions && { dimensions }),
      ...(random() < 0.5 && { encoding_format: 'base64' }),
      ...(random() < 0.3 && { user: `user ${Math.floor(random() * 10)}` }),
    };
    const key = random() < 0.7 ? 'one' : 'two';
    const answer = await untilAnswered(serve, body, key, figures);
    if (answer === undefined) return;
    const vectors = vectorsOf(answer.body);
    if (vectors.length !== size || answer.hits + answer.misses !== size) figures.wrong++;
    vectors.forEach((vector, i) => {
      const isRight = vectorOf(inputs[i], dimensions ?? DIMENSIONS).equals(new Uint8Array(vector.buffer));
      if (!isRight || answer.body.data[i]?.index !== i) figures.wrong++;
    });
    figures.requests += 1;
    figures.inputs += size;
    figures.hits += answer.hits;
  };

  // What the upstream was asked is not kept for hours.
  const countCalls = () => {
    for (const { status } of upstream.calls.splice(0)) figures.upstream[status] = (figures.upstream[status] ?? 0) + 1;
  };
  const watch = setInterval(() => {
    figures.memory.push(...residentMiB(serve.child.pid));
    countCalls();
  }, MEMORY_EVERY);
  try {
    const end = seconds === undefined ? Number.POSITIVE_INFINITY : performance.now() + 1000 * seconds;
    let left = requests;
    const worker = async () => {
      while (left-- > 0 && performance.now() < end) await one();
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    countCalls();
    figures.distinct = upstream.answeredApart.size;
    figures.askedTwice = [...upstream.answeredApart.values()].filter((times) => times > 1).length;
    return figures;
  } finally {
    clearInterval(watch);
    await serve.stop();
    await upstream.stop();
  }
}

interface Answer {
  body: Parameters<typeof vectorsOf>[0];
  hits: number;
  misses: number;
}

async function untilAnswered(
  serve: ServeProcess,
  body: unknown,
  key: string,
  figures: LoadFigures,
): Promise<Answer | undefined> {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    try {
      const response = await serve.embed(body, { key, signal: AbortSignal.timeout(HANG) });
      figures.statuses[response.status] = (figures.statuses[response.status] ?? 0) + 1;
      const answer: unknown = await response.json();
      if (response.status !== 200) continue;
      const header = (name: string) => Number(response.headers.get(`x-vecstash-${name}`));
      return { body: answer as Answer['body'], hits: header('hits'), misses: header('misses') };
    } catch (error) {
      if ((error as Error).name !== 'TimeoutError') throw error;
      figures.hangs++;
    }
  }
  figures.failed++;
  return undefined;
}

function residentMiB(pid: number | undefined): number[] {
  try {
    const [, kib] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return [Math.round(Number(kib) / 1024)];
  } catch {
    return [];
  }
}

function randomOf(seed: number): () => number {
  let state = seed | 1;
  return () => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) / 0x100000000;
  };
}
