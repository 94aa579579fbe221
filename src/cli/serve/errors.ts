import { systemCode } from '../../backends/system-errors.js';
import { EmbedError, InvalidInputError } from '../../errors.js';

/** The code of the error where no answer of the upstream came. */
export const UNREACHABLE = 'upstream_unreachable';

/** An answer that is an error of our own, in OpenAI's shape. */
export class HttpError extends Error {
  readonly status: number;
  readonly body: { message: string; type: string; param: string | null; code: string | null };

  constructor(status: number, message: string, code: string | null = null, param: string | null = null) {
    super(message);
    this.status = status;
    this.body = { message, type: status < 500 ? 'invalid_request_error' : 'upstream_error', param, code };
  }
}

/** Of a request that took too long; 408 where its sender did. */
export function timeoutError(timeoutMs: number, status: 504 | 408 = 504): HttpError {
  return new HttpError(status, `there was no answer within ${timeoutMs} ms`, 'timeout');
}

/** An answer of the upstream that is no success. It is passed on as it came. */
export class UpstreamError extends Error {
  /** As errors of OpenAI's client have them, which is what retries look at. */
  readonly status: number;
  readonly headers: Headers;
  readonly code: string | undefined;
  readonly body: string;

  constructor(status: number, headers: Headers, body: string) {
    super(`the upstream answered with status ${status}`);
    this.status = status;
    this.headers = headers;
    this.code = codeIn(body);
    this.body = body;
  }

  /** Whether the caller's key is what the upstream did not like. */
  get isRefusal(): boolean {
    return this.status === 401 || this.status === 403;
  }
}

/** Such as `insufficient_quota`, which no pause mends. */
function codeIn(body: string): string | undefined {
  try {
    const code: unknown = JSON.parse(body).error.code;
    return typeof code === 'string' ? code : undefined;
  } catch {
    return undefined;
  }
}

/** What is to be answered for an error: one of the two above. */
export function answerable(error: unknown): HttpError | UpstreamError {
  if (error instanceof HttpError || error instanceof UpstreamError) return error;
  if (error instanceof EmbedError) {
    const { original, cause } = error;
    if (original !== undefined && !(original instanceof EmbedError)) return answerable(original);
    const { message } = cause instanceof EmbedError ? cause : error;
    return new HttpError(502, `no vectors were answered, since ${message}`, 'upstream_answer');
  }
  if (error instanceof InvalidInputError) return new HttpError(400, error.message, 'invalid_value', error.field);
  const code = networkCode(error);
  if (code !== undefined) return new HttpError(502, `the upstream cannot be reached (${code})`, UNREACHABLE);
  return new HttpError(500, 'vecstash could not answer: its log says why', 'internal_error');
}

/** The code of a connection that failed `fetch`; undefined for any other error. */
function networkCode(error: unknown): string | undefined {
  if (!(error instanceof TypeError) || !/^(fetch failed|terminated)$/.test(error.message)) return undefined;
  return systemCode(error) ?? 'no connection';
}
