/** 'vecstash/canary': tells when a model's vectors are no longer what they were. */
import { onAbort, untilAborted } from '../async/abort.js';
import { inBackground } from '../async/attempt.js';
import { type Cache, checkCache } from '../cache/cache.js';
import type { Embeddings } from '../cache/embeddings.js';
import { Inputs } from '../cache/inputs.js';
import { type Clock, systemClock } from '../clock.js';
import { describeValue } from '../describe.js';
import { BackendError, ClosedError, InvalidOptionError, redactedCause } from '../errors.js';
import { emit } from '../events.js';
import type { Model } from '../keys/fingerprint.js';
import { checkOptions } from '../options.js';
import { type Checked, checkCanaries } from './check.js';
import { EpochEmbeddings } from './epochs.js';
import { type WatchDriftOptions, watchDriftSchema } from './options.js';
import { DriftState, type Finding } from './state.js';
import { CANARIES } from './texts.js';

export type { WatchDriftOptions } from './options.js';

/** What became of a check. */
export interface DriftReport {
  /**
   * 'baseline': there was none, and it was measured. 'same', 'drifted': what was found. 'skipped':
   * another instance is checking. 'failed': the model or the cache failed, see `error`.
   */
  outcome: 'baseline' | 'same' | 'drifted' | 'skipped' | 'failed';
  /** The epoch after the check, from 0; undefined where it is not known. */
  epoch: number | undefined;
  /**
   * The median of how far the canaries moved, as a share of their length: `sqrt(2 - 2 cosine)` where
   * lengths are equal. Infinity where the dimensions are others.
   */
  distance?: number;
  /** From where on a canary has moved: 0.01, or 8 times the noise of the model. */
  limit?: number;
  /** How many moved. A quarter of them is drift. */
  moved?: number;
  /** Why it failed: without texts, as errors of vecstash are. */
  error?: Error;
}

export interface DriftWatch<Input = string> {
  /** The namespace of the current epoch. */
  readonly embeddings: Embeddings<Input>;
  /** Checks now, also where that was done a moment ago. Never rejects. */
  check(): Promise<DriftReport>;
  /** Ends the watch, not the embeddings; resolves when the check that is under way has ended. */
  stop(): Promise<void>;
}

/** How often it is looked at least whether another instance began an epoch, in milliseconds. */
const LOOK = 60_000;

/** When it is tried again where nothing was found out, in milliseconds. */
const RETRY = 15 * 60_000;

/** The longest that a check may take, in milliseconds. */
const LIMIT = 120_000;

/** The share of `every` for which a finding counts for all instances. */
const COUNTS = 0.95;

/**
 * Watches whether the vectors that a model gives for the same texts stay the same. Checks at once
 * and then as often as `every` says; of the instances that share the store one does it. Each finding
 * is emitted as a `drift` event, each check that fails as a `failure` event. Nothing is thrown into
 * the application, and nothing keeps the process alive but a call of the model that is under way.
 *
 * Throws `InvalidOptionError` for options that it or `cache.embeddings` does not take, and
 * `InvalidInputError` for canaries that are no inputs.
 */
export function watchDrift<Input = string>(
  cache: Cache,
  namespace: string,
  given: WatchDriftOptions<Input>,
  clock: Clock = systemClock,
): DriftWatch<Input> {
  checkCache(cache);
  if (typeof given !== 'object' || given === null)
    throw new InvalidOptionError('options', 'an object', describeValue(given, 'options'));
  // Epochs are opened later: by then the caller may have made something else of his objects.
  const { texts, every, onDrift, ...options } = { ...given, model: copyOf(given.model) };
  const own = checkOptions(watchDriftSchema, { texts, every, onDrift }, 'watchDrift options');
  if (options.embed === undefined) throw new InvalidOptionError('embed', 'a function that asks the model', 'undefined');
  const first = cache.embeddings(namespace, options);
  const canaries = new Inputs(options.identify).copyOf((own.texts ?? CANARIES) as readonly Input[]);
  const state = new DriftState(
    cache,
    canaries.map((canary) => first.keyOf(canary)),
    own.onDrift,
  );
  const embeddings = new EpochEmbeddings(cache, namespace, options, first, state);
  const parts = { cache, namespace, options, canaries, renews: own.onDrift === 'renew', state, epochs: embeddings };
  const model = typeof options.model === 'string' ? options.model : options.model.id;
  const ended = new AbortController();
  let dueAt = 0;
  let running: Promise<DriftReport> | undefined;

  const emitFinding = (finding: Finding, isOwn: boolean) => {
    const { epoch, distance, limit, moved, drifted } = finding;
    emit('drift', () => ({
      namespace,
      model,
      epoch,
      distance,
      limit,
      moved,
      canaries: canaries.length,
      drifted,
      isOwn,
    }));
  };

  const checkAlone = async (isForced: boolean, signal: AbortSignal): Promise<Checked | undefined> => {
    const last = isForced ? undefined : await state.lastFinding();
    if (last !== undefined) {
      emitFinding(last, false);
      return undefined;
    }
    signal.throwIfAborted();
    const checked = await checkCanaries(parts, signal);
    await state.publish(checked, COUNTS * own.every);
    emitFinding(checked, true);
    return checked;
  };

  const run = async (isForced: boolean): Promise<DriftReport> => {
    const retryAt = clock.now() + Math.min(own.every, RETRY);
    const over = new AbortController();
    const endLimit = clock.every(LIMIT, () => over.abort(new BackendError('the check took too long')));
    const endStop = onAbort(ended.signal, () => over.abort(ended.signal.reason));
    try {
      ended.signal.throwIfAborted();
      const work = (lost: AbortSignal) => {
        const endLost = onAbort(lost, () => over.abort(lost.reason));
        return checkAlone(isForced, over.signal).finally(endLost);
      };
      const checked = await untilAborted(cache.exclusively(state.lease, work), over.signal);
      dueAt = checked === undefined ? retryAt : clock.now() + own.every;
      if (checked === undefined) return { outcome: 'skipped', epoch: embeddings.epoch };
      const { epoch, distance, limit, moved, drifted, isBaseline } = checked;
      const outcome = isBaseline ? 'baseline' : drifted ? 'drifted' : 'same';
      return { outcome, epoch, distance, limit, moved };
    } catch (thrown) {
      dueAt = retryAt;
      const error = redactedCause(thrown);
      if (error instanceof ClosedError) end();
      else emit('failure', () => ({ namespace, operation: 'drift', error: error.message }));
      return { outcome: 'failed', epoch: embeddings.epoch, error };
    } finally {
      endLimit();
      endStop();
    }
  };

  const check = (isForced: boolean): Promise<DriftReport> => {
    running ??= run(isForced).finally(() => {
      running = undefined;
    });
    return running;
  };
  const look = () => inBackground(() => embeddings.look());

  const stopTicking = clock.every(Math.min(own.every, LOOK), () => {
    if (clock.now() >= dueAt) void check(false);
    // A check looks too.
    else if (running === undefined) look();
  });
  const end = () => {
    stopTicking();
    if (!ended.signal.aborted) ended.abort(new ClosedError('the watch'));
  };
  look();
  void check(false);
  return {
    embeddings,
    async check() {
      const report = await running;
      return report === undefined || report.outcome === 'skipped' ? check(true) : report;
    },
    async stop() {
      end();
      await running;
    },
  };
}

function copyOf(model: string | Model): string | Model {
  return typeof model === 'object' && model !== null ? { ...model } : model;
}
