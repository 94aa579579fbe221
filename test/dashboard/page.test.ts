import express from 'express';
import type { Browser, BrowserContextOptions, Page } from 'playwright-core';
import { suite, test } from 'uvu';
import * as assert from 'uvu/assert';
import { createDashboard, type DashboardOptions } from '../../src/dashboard/dashboard.js';
import { until } from '../../src/testing/until.js';
import { findChromium, launchChromium } from '../support/chromium.js';
import { contrastProblems } from '../support/contrast.js';
import { dashboardCache, served } from '../support/dashboard.js';
import { skipped } from '../support/skip.js';
import { has } from '../support/upload-page.js';

const PHONE = { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true };

const page = suite('the dashboard in Chromium');
const chromium = findChromium();
let browser: Browser;

page.before(async () => {
  browser = await launchChromium(chromium as string);
});
page.after(() => browser.close());

interface Seen extends ReturnType<typeof dashboardCache> {
  page: Page;
  /** Whether the application lets the browser in. */
  door: { isOpen: boolean };
}

/** Opens the dashboard in an Express app whose own policy forbids everything inline; nothing may be complained of. */
async function see(
  run: (seen: Seen) => Promise<void>,
  { options, ...view }: BrowserContextOptions & { options?: DashboardOptions } = {},
): Promise<void> {
  const made = dashboardCache();
  await made.embed('a', 'b', 'c');
  const dashboard = createDashboard(made.cache, options);
  await made.embed('a', 'b', 'c', 'd');
  const door = { isOpen: true };
  const app = express();
  app.use((_request, response, next) => {
    response.append('content-security-policy', "default-src 'self'; base-uri 'self'");
    if (door.isOpen) next();
    else response.status(401).end();
  });
  app.use('/admin/cache', dashboard.handler);
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...view });
  const complaints: string[] = [];
  try {
    await served(app, async (origin) => {
      const opened = await context.newPage();
      opened.on('pageerror', (error) => complaints.push(String(error)));
      opened.on('console', (message) => {
        if (!message.text().startsWith('Failed to load resource')) complaints.push(message.text());
      });
      opened.on('request', (request) => {
        if (!request.url().startsWith(`${origin}/admin/cache?`) && request.url() !== `${origin}/admin/cache`) {
          complaints.push(`outside: ${request.url()}`);
        }
      });
      await opened.goto(`${origin}/admin/cache`);
      await has(opened.locator('#state'), 'Healthy');
      await run({ ...made, page: opened, door });
      assert.equal(complaints, []);
    });
  } finally {
    await context.close();
    dashboard.stop();
    await made.cache.close();
  }
}

const tile = (page: Page, title: string) => page.locator('#tiles > div', { hasText: title });

page('the figures, which follow the cache; money where there is a price', async () => {
  await see(
    async ({ page, embed }) => {
      assert.is(await page.title(), 'Shop');
      await has(tile(page, 'Hit rate'), '43 %3 of 7 keys came from the cache');
      await embed('a', 'b', 'c', 'd');
      await has(tile(page, 'Hit rate'), '64 %7 of 11 keys');
      // The call that the dashboard saw took 10 tokens for a text: 7 hits.
      await has(tile(page, 'Money saved'), '€0.3570 tokens');
      await has(page.locator('tbody tr'), /^documents64 %74/);
      await has(page.locator('#tiers'), 'Not cached4 (36 %)');
      await has(page.locator('#rates figcaption'), /Hit rate \d+ %/);
      await has(page.locator('#times figcaption'), /Median [\d.]+ ms/);
      assert.is(await page.getByRole('button').count(), 0);
    },
    { options: { title: 'Shop', price: 5000, currency: 'EUR' } },
  );
});

page('a store that fails is told at the top, in words, and is well again', async () => {
  await see(async ({ page, backend, embed }) => {
    backend.isDown = true;
    for (let i = 0; i < 5; i++) await embed('a');
    await has(page.locator('#state'), 'Store does not answer');
    await has(
      page.locator('#banner'),
      'The store does not answer: no connection. The circuit breaker for reads is open',
    );
    await has(page.locator('#errors'), /documents, read.*paused after 3 failures/);
    assert.equal(await contrastProblems(page), []);
    backend.isDown = false;
    await until('the breaker closes', async () => {
      await embed('a');
      return (await page.locator('#state').textContent()) === 'Healthy';
    });
    assert.is(await page.locator('#banner').textContent(), '');
  });
});

page('actions: a clear asks first; a reset begins anew', async () => {
  await see(
    async ({ page, cache }) => {
      const clear = page.getByRole('button', { name: 'Clear documents' });
      await clear.click();
      await has(page.getByRole('dialog'), 'Clear documents?');
      await page.keyboard.press('Escape');
      await page.getByRole('dialog').waitFor({ state: 'hidden' });
      await clear.click();
      await page.getByRole('button', { name: 'Cancel' }).click();
      await page.getByRole('button', { name: 'Reset figures' }).click();
      await has(tile(page, 'Hit rate'), 'no lookup yet');
      assert.is(await cache.clear('documents'), 4);
    },
    { options: { actions: true } },
  );
  await see(
    async ({ page, cache }) => {
      await page.getByRole('button', { name: 'Clear documents' }).tap();
      await page.getByRole('button', { name: 'Clear', exact: true }).tap();
      await until('it is empty', async () => (await cache.clear('documents')) === 0);
    },
    { options: { actions: true }, ...PHONE },
  );
});

page('who is shut out is told so, and sees old figures as old', async () => {
  await see(async ({ page, door }) => {
    door.isOpen = false;
    await has(page.locator('#state'), 'The server answered with status 401');
    assert.is(await page.locator('body[data-stale]').count(), 1);
    door.isOpen = true;
    await has(page.locator('#state'), 'Healthy');
    assert.is(await page.locator('body[data-stale]').count(), 0);
  });
});

page('dark and light, desktop and phone: all text can be read, and nothing is wider than the screen', async () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const view of [{}, PHONE, { ...PHONE, viewport: { width: 320, height: 640 } }]) {
      await see(
        async ({ page }) => {
          await tile(page, 'Tokens saved').waitFor();
          assert.equal(await contrastProblems(page), []);
          const [wide, width] = await page.evaluate<[number, number]>(
            `[document.documentElement.scrollWidth, document.documentElement.clientWidth]`,
          );
          assert.ok(wide <= width, `${wide} > ${width}`);
          const dark = 'rgb(14, 18, 23)';
          const background = await page.evaluate(`getComputedStyle(document.documentElement).backgroundColor`);
          assert.is(background === dark, colorScheme === 'dark');
          for (const button of view === PHONE ? await page.getByRole('button').all() : []) {
            assert.ok(((await button.boundingBox())?.height ?? 0) >= 44);
          }
        },
        { colorScheme, options: { actions: true, title: 'A heading that is a good deal longer than others' }, ...view },
      );
    }
  }
});

page('for a screen reader: headings, names of controls, a label for each chart', async () => {
  await see(
    async ({ page }) => {
      const tree = await page.locator('body').ariaSnapshot();
      for (const line of [
        '- banner:',
        '- heading "Cache" [level=1]',
        '- button "Reset figures"',
        '- main:',
        '- heading "Namespaces" [level=2]',
        '- columnheader "Hit rate"',
        '- button "Clear documents"',
        '- region "Where keys were found":',
        '- region "Store":',
        '- region "Latest errors":',
      ]) {
        assert.ok(tree.includes(line), `${line}\nis not in\n${tree}`);
      }
      assert.match(tree, /img "Hit rate: \d+ %"/);
      assert.match(tree, /img "Median: [\d.]+ ms, 95th percentile: [\d.]+ ms"/);
      assert.not.match(tree, /- (button|link|img|dialog)( \[|:|$)/m);
      assert.is(await page.locator('html').getAttribute('lang'), 'en');
      await page.keyboard.press('Tab');
      const focused = `getComputedStyle(document.activeElement).outlineStyle + document.activeElement.id`;
      assert.is(await page.evaluate(focused), 'solidreset');
    },
    { options: { actions: true } },
  );
});

if (chromium) page.run();
else test('the dashboard', () => skipped('no Chromium here: set CHROMIUM_PATH'));
test.run();
