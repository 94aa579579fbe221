import { BackendError } from '../../errors.js';
import { isError } from '../../realms.js';
import { systemCode } from '../system-errors.js';

/** What of a batch was not done, and why. */
export interface Failure {
  count: number;
  reason: string;
}

/** The reason of whatever was given up, by this backend or by the SDK. */
export const NO_ANSWER = 'no answer in time';

/**
 * A `BackendError` that tells what went wrong and nothing else. What the SDK throws is not passed
 * on, not as a cause either: its messages may quote keys, and it carries the response.
 */
export function dynamodbError(error: unknown): BackendError {
  return new BackendError(`DynamoDB: ${dynamodbReason(error)}`);
}

/** The error of a batch, of which `total` were asked. */
export function failureError(what: string, { count, reason }: Failure, total: number): BackendError {
  return new BackendError(`DynamoDB: ${count} of ${total} ${what} failed: ${reason}`);
}

/**
 * The system's error code (such as ECONNREFUSED) or the name of DynamoDB's or the SDK's error (such
 * as ThrottlingException).
 */
export function dynamodbReason(error: unknown): string {
  try {
    if (!isError(error)) return 'failed';
    const { name } = error;
    if (name === 'AbortError' || name === 'TimeoutError') return NO_ANSWER;
    const code = systemCode(error);
    if (code !== undefined) return code;
    // The one setting whose lack has no error name of its own.
    if (error.message === 'Region is missing') return 'no region: give one here, in AWS_REGION or in the profile';
    return name !== 'Error' && /^[A-Za-z]{1,64}$/.test(name) ? name : 'failed';
  } catch {
    // Whatever was thrown has properties that throw.
    return 'failed';
  }
}
