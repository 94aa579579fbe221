import type { FastifyError } from 'fastify';
import { EmbedError } from 'vecstash';
import type { ErrorAnswer } from '../wire.js';
import { LIMITS, sizeOf } from './limits.js';

/** A request that is not answered as it is. The message is for whoever sent it. */
export class Refusal extends Error {
  readonly status: number;
  readonly code: string;
  /** What of the request it is about, such as `texts[3]` or a file's name. */
  readonly field: string | undefined;

  constructor(status: number, code: string, message: string, field?: string) {
    super(message);
    this.status = status;
    this.code = code;
    this.field = field;
  }
}

/** What Fastify and its multipart parser refuse, in words for whoever sent it. */
const REASONS: Record<string, [code: string, message: string]> = {
  FST_ERR_CTP_INVALID_JSON_BODY: ['broken_json', 'the body is not valid JSON'],
  FST_ERR_CTP_EMPTY_JSON_BODY: ['empty', 'the body is empty'],
  // Of forms the files are counted instead.
  FST_ERR_CTP_BODY_TOO_LARGE: ['too_large', `the body is too large: at most ${sizeOf(LIMITS.textsBodyBytes)}`],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['wrong_type', 'this content type is not taken here'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['broken_body', 'the body is not as long as its content-length says'],
};

/** Fails that are nobody's request: they say nothing of what was going on inside. */
const INTERNAL: ErrorAnswer = { error: { code: 'internal', message: 'the server failed; it goes on serving' } };

/** The status and the body that tell of an error. */
export function answerTo(error: unknown): { status: number; body: ErrorAnswer } {
  if (error instanceof Refusal) {
    const { status, code, message, field } = error;
    return { status, body: { error: { code, message, ...(field !== undefined && { field }) } } };
  }
  if (error instanceof EmbedError)
    return { status: 502, body: { error: { code: 'model_failed', message: whyOf(error) } } };
  const { statusCode, code, message } = error as Partial<FastifyError>;
  if (statusCode === undefined || statusCode < 400 || statusCode >= 500) return { status: 500, body: INTERNAL };
  const [name, reason] = REASONS[code ?? ''] ?? ['bad_request', message ?? 'bad request'];
  return { status: statusCode, body: { error: { code: name, message: reason } } };
}

/** A hosted model's own message may repeat what it was sent; its status does not. */
function whyOf({ cause, message }: EmbedError): string {
  const status = (cause as { status?: unknown } | undefined)?.status;
  return typeof status === 'number' ? `the model answered with status ${status}` : message;
}
