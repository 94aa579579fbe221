import * as assert from 'uvu/assert';
import { type FaultUpstream, startFaultUpstream, textOf, type UpstreamOptions } from './fault-upstream.js';
import { bytesOf, prf } from './prf.js';
import { type ServeProcess, startServe, vectorsOf } from './serve-process.js';

export const DIMENSIONS = 64;

/** A serve, and the upstream it is before. */
export interface Served {
  upstream: FaultUpstream;
  serve: ServeProcess;
}

/** Runs `work` against an upstream and a serve of its own. */
export async function serving(
  { args = [], env, ...options }: UpstreamOptions & { args?: string[]; env?: NodeJS.ProcessEnv },
  work: (served: Served) => Promise<void>,
): Promise<void> {
  const upstream = await startFaultUpstream({ dimensions: DIMENSIONS, keys: new Set(['good', 'other']), ...options });
  const serve = await startServe(upstream.url, args, env ? { env } : {});
  try {
    await work({ upstream, serve });
  } finally {
    await serve.stop('SIGKILL');
    await upstream.stop();
  }
}

// biome-ignore lint/suspicious/noExplicitAny: whatever was answered
export const jsonOf = async (response: Response): Promise<any> => response.json();

export async function assertVectors(response: Response, inputs: unknown[], dimensions = DIMENSIONS): Promise<void> {
  assert.is(response.status, 200);
  const answer = await jsonOf(response);
  assert.equal(
    answer.data.map(({ index }: { index: number }) => index),
    [...inputs.keys()],
  );
  assert.equal(
    vectorsOf(answer).map(bytesOf),
    inputs.map((input) => bytesOf(prf(textOf(input), dimensions))),
  );
}
