import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { type Endpoint, type EndpointOptions, startEndpoint } from '../../examples/upload-endpoint/endpoint.js';
import type { Snapshot, UploadAnswer } from '../../examples/upload-endpoint/wire.js';

/** Runs with an endpoint of its own, on a folder that is removed. */
export async function withEndpoint(
  run: (endpoint: Endpoint) => Promise<void>,
  options: EndpointOptions = {},
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-endpoint-'));
  const endpoint = await startEndpoint({ port: 0, folder, ...options });
  try {
    await run(endpoint);
  } finally {
    await endpoint.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

export type Payload = NonNullable<Parameters<typeof fetch>[1]>['body'] & {};

export interface Answered<Body> {
  status: number;
  body: Body;
}

export async function post<Body = UploadAnswer>(
  { url }: Endpoint,
  path: string,
  init: { body?: Payload; headers?: Record<string, string> },
): Promise<Answered<Body>> {
  const response = await fetch(url + path, { method: 'POST', ...init });
  return { status: response.status, body: (await response.json()) as Body };
}

export function postTexts<Body = UploadAnswer>(endpoint: Endpoint, texts: unknown): Promise<Answered<Body>> {
  const headers = { 'content-type': 'application/json' };
  return post<Body>(endpoint, '/api/texts', { headers, body: JSON.stringify({ texts }) });
}

export function postImages<Body = UploadAnswer>(endpoint: Endpoint, files: [name: string, bytes: Uint8Array][]) {
  const body = new FormData();
  for (const [name, bytes] of files) body.append('files', new Blob([new Uint8Array(bytes)]), name);
  return post<Body>(endpoint, '/api/images', { body });
}

/** A picture of one colour with a bar, another for each number. */
export function picture(number: number, format: 'png' | 'jpeg' | 'webp' | 'gif' = 'png'): Promise<Buffer> {
  const bar = { create: { width: 8, height: 40, channels: 3 as const, background: '#fff' } };
  return sharp({ create: { width: 60, height: 40, channels: 3, background: { r: number * 20, g: 90, b: 160 } } })
    .composite([{ input: bar, left: number * 4, top: 0 }])
    .toFormat(format)
    .toBuffer();
}

export const pictures = (many: number) =>
  Promise.all(Array.from({ length: many }, async (_, i): Promise<[string, Buffer]> => [`${i}.png`, await picture(i)]));

export async function isStoreUp({ url }: Endpoint): Promise<boolean> {
  return ((await (await fetch(`${url}/api/health`)).json()) as { isStoreUp: boolean }).isStoreUp;
}

/** Reads the live stream until it has told a snapshot that `isIt`. */
export async function snapshotOf({ url }: Endpoint, isIt: (snapshot: Snapshot) => boolean): Promise<Snapshot> {
  for await (const [event, data] of eventsOf(url)) {
    if (event === 'snapshot' && isIt(data as Snapshot)) return data as Snapshot;
  }
  throw new Error('the stream ended');
}

export async function* eventsOf(url: string): AsyncGenerator<[event: string, data: unknown]> {
  const { body } = await fetch(`${url}/api/live`);
  let text = '';
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    text += Buffer.from(chunk).toString();
    const messages = text.split('\n\n');
    text = messages.pop() as string;
    for (const message of messages) {
      const [, event, data] = message.match(/^event: (\w+)\ndata: (.*)$/) ?? [];
      if (event) yield [event, JSON.parse(data as string)];
    }
  }
}
