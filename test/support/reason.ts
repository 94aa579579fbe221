import * as assert from 'uvu/assert';
import { CorruptRecordError } from '../../src/errors.js';

/** Why a `decodeOne` refuses its record, or 'ok'. Whatever else it throws is a fault. */
export function reasonOf(decode: () => unknown): string {
  try {
    decode();
    return 'ok';
  } catch (error) {
    assert.instance(error, CorruptRecordError);
    return (error as CorruptRecordError).reason;
  }
}
