import type { Cache } from '../cache/cache.js';
import type { EmbeddingsOptions } from '../cache/options.js';
import { EmbedError } from '../errors.js';
import type { EpochEmbeddings } from './epochs.js';
import type { DriftState, Finding } from './state.js';
import { type Baseline, baselineOf, compare, limitOf, MAX_NOISE, ROUNDS } from './statistic.js';

/** What a check is made of. */
export interface CheckParts<Input> {
  cache: Cache;
  namespace: string;
  options: EmbeddingsOptions<Input>;
  canaries: readonly Input[];
  renews: boolean;
  state: DriftState;
  epochs: EpochEmbeddings<Input>;
}

/** What a check found; whether it measured the baseline itself. */
export type Checked = Finding & { isBaseline: boolean };

/**
 * Compares the canaries with the baseline of the epoch, or measures that where there is none. What
 * moved is looked at twice before it is believed. Rejects where the model or the cache failed, and
 * with the signal's reason.
 */
export async function checkCanaries<Input>(parts: CheckParts<Input>, signal: AbortSignal): Promise<Checked> {
  const { state, epochs } = parts;
  await epochs.look();
  const epoch = epochs.epoch as number;
  const baseline = await state.baseline(epoch);
  if (baseline === undefined) {
    const { noise } = await measureBaseline(parts, epoch, signal);
    return {
      epoch,
      distance: 0,
      limit: limitOf(noise),
      moved: 0,
      isSuspicious: false,
      drifted: false,
      isBaseline: true,
    };
  }
  let round = await ask(parts, signal);
  let comparison = compare(baseline, round);
  if (comparison.isSuspicious) {
    const before = round;
    round = await ask(parts, signal);
    comparison = compare(baseline, round, before);
  }
  const drifted = comparison.isSuspicious;
  if (!drifted || !parts.renews || !fits(parts.options, round)) {
    return { ...comparison, epoch, drifted, isBaseline: false };
  }
  await state.begin(epoch + 1);
  epochs.enter(epoch + 1);
  // Where it fails the next check measures it.
  await measureBaseline(parts, epoch + 1, signal).catch(() => {});
  return { ...comparison, epoch: epoch + 1, drifted, isBaseline: false };
}

async function measureBaseline<Input>(parts: CheckParts<Input>, epoch: number, signal: AbortSignal): Promise<Baseline> {
  const rounds: Float32Array[][] = [];
  while (rounds.length < ROUNDS) rounds.push(await ask(parts, signal));
  const baseline = baselineOf(rounds);
  if (baseline === undefined) {
    const problem = `the model answers one text with vectors that differ by more than ${100 * MAX_NOISE} %`;
    throw new EmbedError(`${problem}: no baseline was measured`, []);
  }
  signal.throwIfAborted();
  await parts.state.keep(epoch, baseline);
  return baseline;
}

/** The model's own vectors, whatever their dimensions, and beside the application's rate limit. */
function ask<Input>(
  { cache, namespace, options, canaries }: CheckParts<Input>,
  signal: AbortSignal,
): Promise<Float32Array[]> {
  const raw: EmbeddingsOptions<Input> = {
    ...options,
    dimensions: undefined,
    truncateFrom: undefined,
    profile: undefined,
    gather: 0,
    rateLimit: undefined,
  };
  return cache.embeddings(namespace, raw).embed(canaries, { bypass: true, signal });
}

/** Whether the namespace takes such vectors: if not, a new epoch would help nobody. */
function fits<Input>({ dimensions, truncateFrom = dimensions }: EmbeddingsOptions<Input>, round: Float32Array[]) {
  return truncateFrom === undefined || round[0]?.length === truncateFrom;
}
