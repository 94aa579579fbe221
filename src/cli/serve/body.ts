import type { IncomingMessage } from 'node:http';
import { HttpError } from './errors.js';

/**
 * Reads a body of at most `maxBytes`. What is too much is thrown away as it comes, so that the
 * answer is read.
 */
export function readBody(request: IncomingMessage, maxBytes: number, signal: AbortSignal): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const refuse = () => {
      chunks.length = 0;
      reject(
        new HttpError(413, `the body has more than ${maxBytes} bytes: send fewer inputs in one request`, 'too_large'),
      );
    };
    if (Number(request.headers['content-length']) > maxBytes) refuse();
    request.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes > maxBytes) refuse();
      else chunks.push(chunk);
    });
    request.on('end', () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)));
    request.on('error', reject);
    signal.addEventListener('abort', () => reject(signal.reason));
  });
}

/** The object that a body holds. Its text is in no error. */
export function parseBody(body: Buffer): Record<string, unknown> {
  let value: unknown;
  try {
    value = JSON.parse(body.toString());
  } catch {
    // Its message quotes the body.
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new HttpError(400, 'the body has to be a JSON object with model and input', 'invalid_json');
}
