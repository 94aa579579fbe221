import { EmbedError } from '../../errors.js';
import type { Inputs } from '../inputs.js';
import type { Namespace } from '../namespace.js';

/**
 * Throws `EmbedError` where inputs that are the caller's objects are no longer what their keys were
 * made of.
 */
export function checkUnchanged<Input>(
  { inputs: kind, namespace }: { inputs: Inputs<Input>; namespace: Namespace<Input> },
  keys: readonly string[],
  inputs: readonly Input[],
): void {
  if (!kind.mayHaveChanged(inputs)) return;
  const now = namespace.acceptedKeysOf(inputs);
  const changed = now.filter((key, i) => key !== keys[i]).length;
  if (changed > 0) throw new EmbedError(`${changed} inputs were changed while embed waited: hand in copies`, []);
}
