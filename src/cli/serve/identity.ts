import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';

/** The headers that say who calls. They are passed on to the upstream, and nothing else is. */
const CREDENTIALS = ['authorization', 'api-key', 'openai-organization', 'openai-project'] as const;

/**
 * Who calls: what the upstream is told, and the query string, in which some upstreams take a key.
 */
export interface Caller {
  headers: Record<string, string>;
  search: string;
}

export function callerOf(headers: IncomingHttpHeaders, search: string): Caller {
  const own: Record<string, string> = {};
  for (const name of CREDENTIALS) {
    const value = headers[name];
    if (value !== undefined) own[name] = String(value);
  }
  return { headers: own, search };
}

/**
 * What a caller is known by: nobody without the secret can tell whose it is, or test a guess of a
 * key.
 */
export function identityOf({ headers, search }: Caller, secret: Uint8Array): string {
  const hmac = createHmac('sha256', secret);
  for (const part of [...CREDENTIALS.map((name) => headers[name] ?? ''), search]) {
    hmac.update(`${Buffer.byteLength(part)}:${part}`);
  }
  return hmac.digest('base64url');
}
