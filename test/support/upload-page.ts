import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, BrowserContextOptions, Locator, Page } from 'playwright-core';
import * as assert from 'uvu/assert';
import { type Endpoint, type EndpointOptions, startEndpoint } from '../../examples/upload-endpoint/endpoint.js';
import { until } from '../../src/testing/until.js';

export interface Visit {
  page: Page;
  endpoint: Endpoint;
  /** What the browser complained of: an error of a script, or of the policy for contents. */
  complaints: string[];
  /** Addresses outside of the endpoint that were asked for. */
  outside: string[];
}

/** Opens the page of an endpoint of its own; closes both, and checks that nothing was complained of. */
export async function visit(
  browser: Browser,
  run: (visit: Visit) => Promise<void>,
  { endpoint: options, ...view }: BrowserContextOptions & { endpoint?: EndpointOptions } = {},
): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-page-'));
  const endpoint = await startEndpoint({ port: 0, folder, ...options });
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...view });
  const complaints: string[] = [];
  const outside: string[] = [];
  try {
    const opened = await context.newPage();
    // Choosers are caught from now on: told only when one is waited for, the browser may have opened it already.
    opened.on('filechooser', () => {});
    opened.on('pageerror', (error) => complaints.push(String(error)));
    opened.on('console', (message) => {
      // A status that is an error is what the server is to answer.
      const isStatus = message.text().startsWith('Failed to load resource');
      if (['error', 'warning'].includes(message.type()) && !isStatus) complaints.push(message.text());
    });
    opened.on('request', (request) => {
      if (!request.url().startsWith(endpoint.url) && !request.url().startsWith('blob:')) outside.push(request.url());
    });
    await opened.goto(endpoint.url);
    await has(opened.locator('#connection'), 'Live');
    await run({ page: opened, endpoint, complaints, outside });
    assert.equal(complaints, []);
    assert.equal(outside, []);
  } finally {
    await context.close();
    await endpoint.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

export const has = (locator: Locator, text: string | RegExp) => locator.filter({ hasText: text }).waitFor();
/** The policy for contents forbids the page what `waitForFunction` does there. */
export const holds = (page: Page, expression: string) => until(expression, () => page.evaluate<boolean>(expression));
export const result = (page: Page, kind: 'images' | 'texts') => page.locator(`#${kind}-outcome .result`);

export interface Chosen {
  name: string;
  mimeType: string;
  buffer: Buffer;
}

/** Pictures in memory, as files that can be chosen. */
export async function somePictures(page: Page, many: number): Promise<Chosen[]> {
  const pictures = await page.evaluate<string[]>(`Array.from({ length: ${many} }, (_, i) => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 32;
    const brush = canvas.getContext('2d');
    brush.fillStyle = 'hsl(' + i * 30 + ' 80% 50%)';
    brush.fillRect(0, 0, 32, 16 + i);
    return canvas.toDataURL('image/png').split(',')[1];
  })`);
  return pictures.map((data, i) => ({
    name: `chosen ${i}.png`,
    mimeType: 'image/png',
    buffer: Buffer.from(data, 'base64'),
  }));
}
