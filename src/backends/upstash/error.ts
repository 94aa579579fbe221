/** What Upstash says of its quotas. Fixed text only: other messages may hold keys. */
const QUOTA =
  /^ERR ((?:max (?:request size|single record size|key size|requests limit|(?:daily|monthly) requests? limit|concurrent connections)|DB capacity quota) exceeded)/;

/** How a connection ends that was there and is no more. */
const LOST = ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET'];

/**
 * What went wrong with a request, and nothing else: what the SDK throws holds the commands with their keys and values, a part of
 * the answer, or the URL. The status of an answer is not among it.
 */
export function requestReason(error: unknown): string {
  try {
    if (!(error instanceof Error)) return 'failed';
    if (error.name === 'UpstashJSONParseError') return 'the answer is no JSON';
    if (error.name === 'UpstashError') return replyReason(error.message) ?? error.name;
    return systemCode(error) ?? error.name;
  } catch {
    // Whatever was thrown has properties that throw.
    return 'failed';
  }
}

/** What Upstash says of a command that failed: its error's code (such as OOM or WRONGPASS), or a quota's name. */
export function replyReason(message: unknown): string | undefined {
  if (typeof message !== 'string') return undefined;
  return QUOTA.exec(message)?.[1] ?? /^[A-Z]+(?=[ ,]|$)/.exec(message)?.[0];
}

/** Whether the connection ended before the whole answer was there, as one does that was kept open for too long. */
export function isConnectionLost(error: unknown): boolean {
  try {
    return error instanceof Error && LOST.includes(systemCode(error) ?? '');
  } catch {
    return false;
  }
}

/** The code (such as ECONNREFUSED) of what made `fetch` fail. */
function systemCode(error: Error): string | undefined {
  const code = (error.cause as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' && /^[A-Z][A-Z0-9_]*$/.test(code) ? code : undefined;
}
