import { BackendError, VecstashError } from '../../errors.js';
import { isError } from '../../realms.js';
import { systemCode } from '../system-errors.js';

/**
 * How one request failed, in words that hold nothing of keys, values and tokens. It never leaves the backend, and has no cause:
 * what the platform throws may carry a key.
 */
export class KvFailure extends Error {
  readonly status: number | undefined;
  /** True where there was no answer in time, so that whatever else is asked would not have one either. */
  readonly isLate: boolean;

  constructor(reason: string, options: { status?: number; isLate?: boolean } = {}) {
    super(reason);
    this.status = options.status;
    this.isLate = options.isLate ?? false;
  }
}

/** A failure as the backend's callers see it. */
export function kvError(error: unknown): VecstashError {
  try {
    if (error instanceof VecstashError) return error;
  } catch {
    // Not even that can be asked of it.
  }
  return new BackendError(`Cloudflare KV: ${kvReason(error)}`);
}

/** Why a request failed: HTTP's status, the system's code (such as ECONNREFUSED), or the error's name. */
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
