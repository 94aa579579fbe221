import { InvalidInputError, VecstashError } from '../../errors.js';

type ErrorClass = new (...args: unknown[]) => Error;

/** What a client of the SDK has that its errors are made with, in versions 4 to 7. */
interface ErrorMaker {
  constructor: { APIError?: ErrorClass; APIUserAbortError?: ErrorClass };
  makeStatusError?: (status: number, body: unknown, message: undefined, headers: Headers) => Error;
}

/**
 * An error as the client's SDK would throw it: a refused field is a `BadRequestError` with its
 * `param`, an abort an `APIUserAbortError`, an answer that is no embeddings an `APIError`, and so
 * is a cache that is closed. What is not the cache's own stays as it is.
 */
export function sdkError(client: object, error: unknown, signal?: AbortSignal | null): unknown {
  const { constructor: sdk, makeStatusError } = client as ErrorMaker;
  if (signal?.aborted && error === signal.reason) return sdk.APIUserAbortError ? new sdk.APIUserAbortError() : error;
  if (!(error instanceof VecstashError)) return error;
  const { message } = error;
  if (error instanceof InvalidInputError && makeStatusError) {
    const body = { message, type: 'invalid_request_error', param: error.field, code: error.code };
    return withCause(makeStatusError.call(client, 400, { error: body }, undefined, new Headers()), error);
  }
  if (sdk.APIError)
    return withCause(new sdk.APIError(undefined, { message, code: error.code }, message, undefined), error);
  return error;
}

function withCause(error: Error, cause: unknown): Error {
  return Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true });
}
