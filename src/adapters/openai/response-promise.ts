import type { EmbeddingsAnswer } from './answer.js';

/** What a request of the wrapped client came to. */
export interface Outcome {
  answer: EmbeddingsAnswer;
  hits: number;
  misses: number;
  /** Of the last call of the provider, undefined where none was needed. */
  headers: Headers | undefined;
  requestId: string | null;
}

/** What describes the body that the provider sent, and not the one that is made here. */
const OF_BODY = ['content-length', 'content-encoding', 'transfer-encoding', 'etag'];

/** A promise with what the SDK's `APIPromise` has beside one. */
export interface ResponsePromise<T> extends Promise<T> {
  /** A `Response` that holds the answer, with the headers that the provider sent, if it was asked. */
  asResponse(): Promise<Response>;
  withResponse(): Promise<{ data: T; response: Response; request_id: string | null }>;
  _thenUnwrap<U>(transform: (answer: T) => U): ResponsePromise<U>;
}

export function responsePromise<T>(work: Promise<Outcome>, read: (answer: EmbeddingsAnswer) => T): ResponsePromise<T> {
  const data = work.then(({ answer, requestId }) => {
    const value = read(answer);
    if (typeof value === 'object' && value !== null)
      Object.defineProperty(value, '_request_id', { value: requestId, configurable: true });
    return value;
  });
  const asResponse = () => {
    data.catch(() => {}); // whoever asks for the response hears of it there
    return work.then(responseOf);
  };
  return Object.assign(data, {
    asResponse,
    withResponse: async () => {
      const [response, value, { requestId }] = await Promise.all([asResponse(), data, work]);
      return { data: value, response, request_id: requestId };
    },
    _thenUnwrap: <U>(transform: (answer: T) => U) => {
      data.catch(() => {}); // and whoever asks for something else of it hears of it there
      return responsePromise(work, (answer) => transform(read(answer)));
    },
  });
}

function responseOf({ answer, hits, misses, headers: sent }: Outcome): Response {
  const headers = new Headers(sent && [...sent]);
  for (const name of OF_BODY) headers.delete(name);
  headers.set('content-type', 'application/json');
  headers.set('x-vecstash-hits', String(hits));
  headers.set('x-vecstash-misses', String(misses));
  return new Response(JSON.stringify(answer), { headers });
}
