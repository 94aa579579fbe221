/**
 * What became of one record, by number as it crosses from the native engine. The reasons and the
 * order in which they are checked are those of docs/format.md section 1.
 */
export const STATUSES = [
  'ok',
  'absent',
  'truncated',
  'malformed',
  'format',
  'dimensions',
  'checksum',
  'mode',
  'payload',
  'unsupported',
  'precision',
  'limit',
  'profile',
] as const;

export type Status = (typeof STATUSES)[number];

/** Why a record was refused. */
export type CorruptReason = Exclude<Status, 'ok' | 'absent'>;
