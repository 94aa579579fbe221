import { systemCode } from '../../backends/system-errors.js';
import { httpStatusOf } from '../../describe.js';

/** What of a provider's error says whether, and when, its call is worth another try. */
export interface ProviderFailure {
  isRetryable: boolean;
  /** What its `Retry-After` says, in milliseconds. */
  retryAfterMs: number | undefined;
}

/** Of those below 500. */
const RETRYABLE = new Set([408, 409, 425, 429]);
/** Not implemented, and no such version of HTTP: these stay so. */
const FINAL = new Set([501, 505]);
/** The account has nothing left: no pause mends that. */
const OUT_OF_QUOTA = 'insufficient_quota';
const CONNECTION = /^(ECONN|EPIPE$|ETIMEDOUT$|EAI_AGAIN$|ENETUNREACH$|EHOSTUNREACH$|UND_ERR_)/;
/** Of the SDKs of OpenAI and Anthropic, and of `AbortSignal.timeout`. */
const CONNECTION_NAMES = new Set(['APIConnectionError', 'APIConnectionTimeoutError', 'TimeoutError']);
/** What fetch throws in Node, Deno and Bun, and in Chromium, where a connection fails. */
const FETCH_FAILED = /^(fetch failed|terminated|Failed to fetch|network error)$/i;

/** What an error's properties say; anything may be on it, and reading it may throw. */
export function failureOfProvider(error: unknown): ProviderFailure {
  try {
    return read(error as Record<string, unknown>);
  } catch {
    return { isRetryable: false, retryAfterMs: undefined };
  }
}

function read(error: Record<string, unknown>): ProviderFailure {
  const { response, headers, responseHeaders, code, isRetryable } = error;
  const answer = response as { headers?: unknown } | undefined;
  const httpStatus = httpStatusOf(error);
  const header = headerOf(headers ?? responseHeaders ?? answer?.headers);
  const told = header('x-should-retry') ?? (typeof isRetryable === 'boolean' ? String(isRetryable) : undefined);
  const isWorthIt = httpStatus === undefined ? isConnection(error) : code !== OUT_OF_QUOTA && isPassing(httpStatus);
  return {
    isRetryable: told === undefined || code === OUT_OF_QUOTA ? isWorthIt : told === 'true',
    retryAfterMs: retryAfter(header('retry-after-ms'), header('retry-after')),
  };
}

function isPassing(status: number): boolean {
  return RETRYABLE.has(status) || (status >= 500 && !FINAL.has(status));
}

function isConnection(error: Record<string, unknown>): boolean {
  const { name, message } = error;
  return (
    CONNECTION.test(systemCode(error) ?? '') ||
    CONNECTION_NAMES.has(name as string) ||
    (name === 'TypeError' && FETCH_FAILED.test(message as string))
  );
}

/** Looks headers up by their lower-case names: in a `Headers`, a `Map` or a plain object. */
function headerOf(headers: unknown): (name: string) => string | undefined {
  if (typeof headers !== 'object' || headers === null) return () => undefined;
  const { get } = headers as { get?: unknown };
  if (typeof get === 'function') return (name) => (get.call(headers, name) as string | null) ?? undefined;
  const entries = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), String(value)] as const);
  return (name) => entries.find(([known]) => known === name)?.[1];
}

/** Milliseconds, or, as RFC 9110 section 10.2.3 has it, seconds or a date. */
function retryAfter(milliseconds: string | undefined, value: string | undefined): number | undefined {
  if (!isEmpty(milliseconds) && Number(milliseconds) >= 0) return Number(milliseconds);
  if (isEmpty(value)) return undefined;
  const seconds = Number(value);
  const delay = Number.isNaN(seconds) ? Date.parse(value) - Date.now() : 1000 * seconds;
  return Number.isNaN(delay) ? undefined : Math.max(0, delay);
}

/** Whether a header says nothing: as a number that would be 0. */
function isEmpty(value: string | undefined): value is undefined {
  return value === undefined || String(value).trim() === '';
}
