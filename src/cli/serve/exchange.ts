import type { IncomingMessage, ServerResponse } from 'node:http';

/** A request under way. */
export interface Exchange {
  request: IncomingMessage;
  response: ServerResponse;
  /** The path without its query string. */
  path: string;
  search: string;
  /** Aborted with what is to be answered, or when the caller has gone. */
  signal: AbortSignal;
}
