import { isError } from '../../realms.js';
import { systemCode } from '../system-errors.js';

/**
 * How one request failed, in words that hold nothing of keys, values and tokens. It never leaves
 * the backend, and has no cause: what the platform throws may carry a key.
 */
export class KvFailure extends Error {
  /** Of an answer by HTTP. */
  readonly status: number | undefined;

  constructor(reason: string, status?: number) {
    super(reason);
    this.status = status;
  }
}

/** There was no answer in time, so that whatever else is asked would not have one either. */
export function timeoutFailure(): KvFailure {
  return Object.assign(new KvFailure('no answer in time'), { name: 'TimeoutError' });
}

/**
 * Why a request failed: HTTP's status, the system's code (such as ECONNREFUSED), or the error's
 * name.
 */
export function kvReason(error: unknown): string {
  try {
    if (error instanceof KvFailure) return error.message;
    if (!isError(error)) return 'failed';
    return systemCode(error) ?? error.name;
  } catch {
    // Whatever was thrown has properties that throw.
    return 'failed';
  }
}
