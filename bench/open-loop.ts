import { Agent, request } from 'node:http';
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { seeded } from './vectors.js';

/** A request to send. */
export interface Shot {
  path: string;
  headers: Record<string, string>;
  body: Uint8Array;
}

export interface LoadOptions {
  url: string;
  shots: readonly Shot[];
  perSecond: number;
  seed: number;
}

/** What became of a load; times in milliseconds, from when a request was due to the last byte of its answer. */
export interface LoadResult {
  answered: number;
  failed: number;
  p50: number;
  p95: number;
  p99: number;
  /** Bodies of the answers, in the order of the shots. */
  answers: string[];
}

/**
 * Sends requests whether or not earlier ones were answered, at random times (exponential gaps), and times each from when it was due: a
 * server that falls behind is not spared, as it is where each client waits for its answer.
 */
export async function load({ url, shots, perSecond, seed }: LoadOptions): Promise<LoadResult> {
  const agent = new Agent({ keepAlive: true });
  const random = seeded(seed);
  const histogram = createHistogram();
  const answers: string[] = [];
  let failed = 0;
  let due = performance.now() + 100;
  const send = async (shot: Shot, i: number, dueAt: number) => {
    const answer = await post(agent, url, shot).catch(() => undefined);
    if (answer?.status === 200) histogram.record(Math.max(1, Math.round((performance.now() - dueAt) * 1000)));
    else failed += 1;
    answers[i] = answer?.body ?? '';
  };
  const underWay: Promise<void>[] = [];
  for (const [i, shot] of shots.entries()) {
    due += (-Math.log(1 - random()) * 1000) / perSecond;
    // A timer may be a millisecond late, which is counted; to wait in a loop would take a core from the server.
    if (due > performance.now()) await sleep(due - performance.now());
    underWay.push(send(shot, i, due));
  }
  await Promise.all(underWay);
  agent.destroy();
  const percentile = (p: number) => histogram.percentile(p) / 1000;
  return { answered: histogram.count, failed, p50: percentile(50), p95: percentile(95), p99: percentile(99), answers };
}

function post(agent: Agent, url: string, { path, headers, body }: Shot): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const length = { 'content-length': String(body.length) };
    const sent = request(
      new URL(path, url),
      { agent, method: 'POST', headers: { ...headers, ...length } },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk) => chunks.push(chunk));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString() }));
        response.on('error', reject);
      },
    );
    sent.on('error', reject);
    sent.end(body);
  });
}
