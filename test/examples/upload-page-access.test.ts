import type { Browser, Page } from 'playwright-core';
import { suite, test } from 'uvu';
import * as assert from 'uvu/assert';
import { findChromium, launchChromium } from '../support/chromium.js';
import { contrastProblems } from '../support/contrast.js';
import { skipped } from '../support/skip.js';
import { has, result, somePictures, visit } from '../support/upload-page.js';

const page = suite('the page for everybody');
const chromium = findChromium();
let browser: Browser;

page.before(async () => {
  browser = await launchChromium(chromium as string);
});
page.after(() => browser.close());

page('the keyboard alone: every control is reached, seen to be focused, and works', async () => {
  await visit(browser, async ({ page }) => {
    const focused = () =>
      page.evaluate<string>(`document.activeElement.id || document.activeElement.textContent.trim()`);
    const tabTo = async (what: string) => {
      for (let i = 0; i < 25 && (await focused()) !== what; i++) await page.keyboard.press('Tab');
      assert.is(await focused(), what);
      // The input for files is not seen itself: what stands for it is.
      const outline = await page.evaluate<string>(`(() => {
        const { activeElement } = document;
        const seen = activeElement.id === 'files' ? activeElement.nextElementSibling : activeElement;
        return getComputedStyle(seen).outlineStyle;
      })()`);
      assert.is(outline, 'solid', what);
    };
    await tabTo('Skip to the upload');
    await page.keyboard.press('Enter');
    await tabTo('files');
    const chooser = page.waitForEvent('filechooser');
    await page.keyboard.press('Enter');
    await (await chooser).setFiles(await somePictures(page, 2));
    await has(result(page, 'images'), '2 misses');
    await tabTo('sample-images');
    await page.keyboard.press('Space');
    await has(result(page, 'images'), '10 misses');
    assert.is(await focused(), 'sample-images');
    await tabTo('lines');
    await page.keyboard.type('first line\nsecond line');
    await tabTo('Embed texts');
    await page.keyboard.press('Enter');
    await has(result(page, 'texts'), '2 misses');
    await tabTo('sample-texts');
    await page.keyboard.press('Enter');
    await has(result(page, 'texts'), '20 misses');
    await tabTo('As a table');
    await page.keyboard.press('Enter');
    await page.locator('#hit-rate-chart tbody tr').first().waitFor();
  });
});

page('for a screen reader: landmarks, headings, names of all controls, tables for the charts', async () => {
  await visit(browser, async ({ page }) => {
    await page.getByRole('button', { name: '20 sample texts' }).click();
    await has(page.locator('#hit-rate-chart .legend'), '0 %');
    await page.locator('#hit-rate-chart summary').click();
    await page.locator('#hit-rate-chart tbody tr').first().waitFor();
    const tree = await page.locator('body').ariaSnapshot();
    for (const line of [
      '- banner:',
      '- heading "vecstash upload endpoint" [level=1]',
      '- combobox "Theme":',
      '- main:',
      '- region "Upload":',
      '- region "Images":',
      '- button "Choose images, or drop them here"',
      '- button "10 sample images"',
      '- textbox "Texts, one a line":',
      '- button "Embed texts"',
      '- region "Live":',
      '- list "State of the store":',
      '- figure "Hit rate, last 5 minutes":',
      '- columnheader "Last minute"',
      '- figure "Answer time, last 5 minutes":',
      '- figure "Where keys were found":',
      '- region "Last uploads":',
      '- columnheader "Misses"',
      '- contentinfo:',
    ]) {
      assert.ok(tree.includes(line), `${line}\nis not in\n${tree}`);
    }
    assert.not.match(tree, /- (button|link|combobox|textbox|progressbar)( \[|:|$)/m);
    assert.is(await page.locator('html').getAttribute('lang'), 'en');
    const ids = await page.evaluate<string[]>(`[...document.querySelectorAll('[id]')].map(({ id }) => id)`);
    assert.is(new Set(ids).size, ids.length);
    // A number that changes each second is read by nobody's wish.
    assert.is(await page.locator('.tiles [aria-live], .tiles [role=status]').count(), 0);
  });
});

page('dark and light: as the system says, or as was chosen, which is remembered; all text can be read', async () => {
  const background = (page: Page) =>
    page.evaluate<string>(`getComputedStyle(document.documentElement).backgroundColor`);
  const [light, dark] = ['rgb(244, 245, 247)', 'rgb(14, 18, 23)'];
  for (const colorScheme of ['light', 'dark'] as const) {
    const [own, other, chosen] = colorScheme === 'light' ? [light, dark, 'dark'] : [dark, light, 'light'];
    await visit(
      browser,
      async ({ page }) => {
        await page.setInputFiles('#files', [{ name: 'a.png', mimeType: 'image/png', buffer: Buffer.from('a') }]);
        await page.locator('#images-error:not(:empty)').waitFor();
        await page.getByRole('button', { name: '20 sample texts' }).click();
        await has(result(page, 'texts'), '20 misses');
        assert.is(await background(page), own);
        assert.equal(await contrastProblems(page), []);
        await page.getByLabel('Theme').selectOption(chosen as string);
        assert.is(await background(page), other);
        assert.equal(await contrastProblems(page), []);
        await page.reload();
        assert.is(await background(page), other);
        assert.is(await page.getByLabel('Theme').inputValue(), chosen);
      },
      { colorScheme, reducedMotion: 'reduce' },
    );
  }
});

page('a phone: the figures are in sight right after an upload, wherever the button was', async () => {
  await visit(
    browser,
    async ({ page }) => {
      for (const [kind, name, many] of [
        ['images', '10 sample images', 10],
        ['texts', '20 sample texts', 20],
      ] as const) {
        await page.getByRole('button', { name }).tap();
        await has(result(page, kind), `${many} misses`);
        await page.getByRole('button', { name }).tap();
        await has(result(page, kind), `${many} hits`);
        await has(page.locator('#hit-rate'), '50 %');
        for (const place of ['#hit-rate', '#latency', '#cost', '#saved', `#${kind}-outcome .result`]) {
          const { y = -1, height = 0 } = (await page.locator(place).boundingBox()) ?? {};
          assert.ok(y >= 0 && y + height <= 844, `${place} at ${y}`);
        }
        // No figure is cut off by its tile.
        const cut = `[...document.querySelectorAll('.tile dd:not(.note)')].filter((dd) => dd.scrollWidth > dd.clientWidth).length`;
        assert.is(await page.evaluate<number>(cut), 0);
      }
    },
    { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true, endpoint: { price: 0.1 } },
  );
});

page('a phone: nothing is wider than the screen, and fingers find the buttons', async () => {
  for (const width of [320, 390]) {
    await visit(
      browser,
      async ({ page }) => {
        const wide = `(${'x'.repeat(90)}).png`;
        const isWide = () => page.evaluate<boolean>(`document.documentElement.scrollWidth > ${width}`);
        await page.getByRole('button', { name: '10 sample images' }).tap();
        await has(result(page, 'images'), '10 misses');
        await page.locator('#images-outcome summary').tap();
        await page.setInputFiles('#files', await somePictures(page, 1));
        await has(result(page, 'images'), /^1 image/);
        assert.is(await isWide(), false);
        await page.setInputFiles('#files', [{ name: wide, mimeType: 'image/png', buffer: Buffer.from('a') }]);
        await page.locator('#images-error:not(:empty)').waitFor();
        await has(page.locator('#batches'), '10 images');
        assert.is(await isWide(), false);
        // The table of uploads is not cut off either.
        assert.ok(
          await page.evaluate<boolean>(
            `(({ scrollWidth, clientWidth }) => scrollWidth <= clientWidth)(document.querySelector('.scroll'))`,
          ),
        );
        for (const button of await page.locator('button, .drop').all()) {
          const box = await button.boundingBox();
          assert.ok((box?.height ?? 0) >= 44, (await button.textContent()) ?? '');
        }
      },
      { viewport: { width, height: 740 }, hasTouch: true, isMobile: true },
    );
  }
});

if (chromium) page.run();
else test('the page', () => skipped('no Chromium here: set CHROMIUM_PATH'));
test.run();
