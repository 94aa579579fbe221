import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { HttpError, UpstreamError } from './errors.js';
import type { Caller } from './identity.js';

/** Headers of an upstream's answer that are passed on with it. */
const PASSED_ON =
  /^(content-type|retry-after|retry-after-ms|x-should-retry|x-request-id|openai-.*|x-ratelimit-.*|www-authenticate)$/;

interface Sent {
  method: string;
  body?: Uint8Array | string;
  type?: string | undefined;
}

/** The API in front of which this stands. */
export class Upstream {
  readonly #base: URL;
  readonly #agent: string;
  readonly #onAnswer: (status: number, caller: Caller) => void;

  /** @param onAnswer is told the status of each answer, 0 where there was none */
  constructor(base: URL, version: string, onAnswer: (status: number, caller: Caller) => void) {
    this.#base = base;
    this.#agent = `vecstash/${version}`;
    this.#onAnswer = onAnswer;
  }

  /** Asks for embeddings. Throws `UpstreamError` for anything but a success. */
  async embeddings(request: object, caller: Caller, signal: AbortSignal): Promise<unknown> {
    const sent = { method: 'POST', body: JSON.stringify(request), type: 'application/json' };
    const response = await this.#fetch('/embeddings', sent, caller, signal);
    const text = await response.text();
    if (!response.ok) throw new UpstreamError(response.status, response.headers, text);
    try {
      return JSON.parse(text);
    } catch {
      throw new HttpError(502, 'the upstream answered what is no JSON', 'upstream_answer');
    }
  }

  /** Answers with what the upstream answers, as it comes. */
  async pass(path: string, sent: Sent, caller: Caller, signal: AbortSignal, to: ServerResponse): Promise<void> {
    const response = await this.#fetch(path, sent, caller, signal);
    to.writeHead(response.status, passedOn(response.headers));
    if (response.body === null) to.end();
    else await pipeline(Readable.fromWeb(response.body as never), to, { signal });
  }

  async #fetch(path: string, { method, body, type }: Sent, caller: Caller, signal: AbortSignal): Promise<Response> {
    const url = new URL(this.#base);
    url.pathname = `${url.pathname.replace(/\/$/, '')}${path}`;
    url.search = [url.search, caller.search]
      .filter(Boolean)
      .map((search) => search.slice(1))
      .join('&');
    const headers = { ...caller.headers, 'user-agent': this.#agent, ...(type && { 'content-type': type }) };
    let status = 0;
    try {
      const response = await fetch(url, { method, headers, body: body ?? null, signal, redirect: 'manual' });
      status = response.status;
      return response;
    } finally {
      this.#onAnswer(status, caller);
    }
  }
}

/** The headers of an upstream's answer that the caller gets. */
export function passedOn(headers: Headers): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => PASSED_ON.test(name)));
}
