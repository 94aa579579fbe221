import { allowListeners, onAbort, untilAborted } from '../../async/abort.js';
import { chunksOf } from '../../async/chunks.js';
import type { Permit } from '../../async/semaphore.js';
import { sleep } from '../../runtime.js';
import type { Found } from '../lookup/vector-lookup.js';
import type { FillParts } from './batch.js';
import type { Rest } from './filler.js';
import { callModel } from './model-call.js';
import { currentFrame, Frame, inside } from './nesting.js';

/**
 * Asks the model for every distinct key, in batches of which a few run at once, beside all flights
 * and locks; puts what it says into `found`.
 */
export async function askDirectly<Input>(
  { model, batchSize, semaphore }: FillParts<Input>,
  inputs: readonly Input[],
  { plan, vectors, tokens }: Found,
  outer: AbortSignal | undefined,
): Promise<Pick<Rest, 'failed' | 'error'>> {
  // A signal of its own: models listen to it, and the caller's may live for ever.
  const controller = new AbortController();
  const { signal } = controller;
  allowListeners(0, signal);
  const end = outer && onAbort(outer, () => controller.abort(outer.reason));
  const rest: Pick<Rest, 'failed' | 'error'> = { failed: new Set() };
  // Whoever has the permits may wait for a nested call.
  const isNested = currentFrame() !== undefined;
  const onPermit = (permit: Permit) => {
    if (isNested) permit.startNow();
  };
  const pause = (milliseconds: number) => semaphore.without(() => sleep(milliseconds, { signal }), onPermit);
  const ask = async (keys: readonly number[]) => {
    const wanted = keys.map((k) => inputs[plan.firstPlaces[k] as number] as Input);
    try {
      const call = () => inside(new Frame(), () => callModel(model, wanted, { signal, pause }));
      const answer = await semaphore.run(call, onPermit);
      keys.forEach((k, i) => {
        vectors[k] = answer.vectors[i];
        tokens[k] = answer.tokens?.[i];
      });
    } catch (error) {
      if (rest.failed.size === 0) rest.error = error;
      for (const k of keys) rest.failed.add(k);
    }
  };
  try {
    await untilAborted(Promise.all(chunksOf([...plan.keys.keys()], batchSize).map(ask)), signal);
  } finally {
    end?.();
  }
  return rest;
}
