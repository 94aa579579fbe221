import { isError } from '../../realms.js';
import { systemCode } from '../system-errors.js';

/** What Upstash says of its quotas. Fixed text only: other messages may hold keys. */
const QUOTA =
  /^ERR ((?:max (?:request size|single record size|key size|requests limit|(?:daily|monthly) requests? limit|concurrent connections)|DB capacity quota) exceeded)/;

/**
 * What went wrong with a request, and nothing else: what the SDK throws holds the commands with
 * their keys and values, a part of the answer, or the URL. The status of an answer is not among it.
 */
export function requestReason(error: unknown): string {
  try {
    if (!isError(error)) return 'failed';
    if (error.name === 'UpstashJSONParseError') return 'the answer is no JSON';
    if (error.name === 'UpstashError') return replyReason(error.message) ?? error.name;
    return systemCode(error) ?? error.name;
  } catch {
    // Whatever was thrown has properties that throw.
    return 'failed';
  }
}

/**
 * What Upstash says of a command that failed: its error's code (such as OOM or WRONGPASS), or a
 * quota's name.
 */
export function replyReason(message: unknown): string | undefined {
  if (typeof message !== 'string') return undefined;
  return QUOTA.exec(message)?.[1] ?? /^[A-Z]+(?=[ ,]|$)/.exec(message)?.[0];
}
