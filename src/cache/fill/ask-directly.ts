import { allowListeners, onAbort, untilAborted } from '../../async/abort.js';
import { chunksOf } from '../../async/chunks.js';
import type { Permit } from '../../async/semaphore.js';
import { sleep } from '../../runtime.js';
import type { Found } from '../lookup/vector-lookup.js';
import type { FillParts } from './batch.js';
import type { Rest } from './filler.js';
import { callModel } from './model-call.js';
import { currentFrame, Frame, inside } from './nesting.js';
import { checkUnchanged } from './unchanged.js';

/**
 * Asks the model for every distinct key, in batches of which a few run at once, beside all flights
 * and locks; puts what it says into `found`.
 */
export async function askDirectly<Input>(
  parts: FillParts<Input>,
  inputs: readonly Input[],
  { plan, vectors, tokens }: Found,
  outer: AbortSignal | undefined,
): Promise<Rest['failed']> {
  const { model, batchSize, semaphore } = parts;
  // A signal of its own: models listen to it, and the caller's may live for ever.
  const controller = new AbortController();
  const { signal } = controller;
  allowListeners(0, signal);
  const end = outer && onAbort(outer, () => controller.abort(outer.reason));
  const failed: Rest['failed'] = new Map();
  // Whoever has the permits may wait for a nested call.
  const isNested = currentFrame() !== undefined;
  const onPermit = (permit: Permit) => {
    if (isNested) permit.startNow();
  };
  const options = { signal, onPermit };
  const pause = (milliseconds: number) => semaphore.without(() => sleep(milliseconds, { signal }), options);
  const ask = async (keys: readonly number[]) => {
    const wanted = keys.map((k) => inputs[plan.firstPlaces[k] as number] as Input);
    try {
      const names = keys.map((k) => plan.keys[k] as string);
      const check = () => checkUnchanged(parts, names, wanted);
      const call = () => inside(new Frame(), () => callModel(model, wanted, { signal, pause, check }));
      const answer = await semaphore.run(call, options);
      keys.forEach((k, i) => {
        vectors[k] = answer.vectors[i];
        tokens[k] = answer.tokens?.[i];
      });
    } catch (error) {
      for (const k of keys) failed.set(k, error);
    }
  };
  try {
    await untilAborted(Promise.all(chunksOf([...plan.keys.keys()], batchSize).map(ask)), signal);
  } finally {
    end?.();
  }
  return failed;
}
