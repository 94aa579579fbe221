import { CorruptRecordError, InvalidInputError } from '../errors.js';
import type { CorruptReason, Status } from './engine/status.js';

/** What both codecs do with a batch. */
export function sameLength(keys: readonly unknown[], others: { readonly length: number }, name: string): void {
  if (keys.length !== others.length)
    throw new InvalidInputError(name, `${keys.length} of them, one a key`, `${others.length}`);
}

/** Why a record that was given was refused: an engine calls one of no bytes absent. */
export function reasonOf(status: Status | undefined): CorruptReason {
  if (status === 'absent') return 'truncated';
  return status === undefined || status === 'ok' ? 'payload' : status;
}

/** The error for a record that was given and refused. */
export function refusal(status: Status | undefined): CorruptRecordError {
  return new CorruptRecordError(reasonOf(status));
}
