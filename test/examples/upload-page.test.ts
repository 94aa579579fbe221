import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { suite, test } from 'uvu';
import * as assert from 'uvu/assert';
import { startEndpoint } from '../../examples/upload-endpoint/endpoint.js';
import { until } from '../../src/testing/until.js';
import { findChromium, launchChromium } from '../support/chromium.js';
import { freePort, startRedis } from '../support/redis-server.js';
import { skipped } from '../support/skip.js';
import { type Chosen, has, holds, result, somePictures, visit } from '../support/upload-page.js';

const page = suite('the page in Chromium');
const chromium = findChromium();
let browser: Browser;

page.before(async () => {
  browser = await launchChromium(chromium as string);
});
page.after(() => browser.close());

page('images by the file chooser: misses, then hits; the numbers of the page follow', async () => {
  await visit(browser, async ({ page }) => {
    const files = await somePictures(page, 4);
    const choose = async () => {
      const chooser = page.waitForEvent('filechooser');
      await page.getByText('Choose images, or drop them here').click();
      await (await chooser).setFiles(files);
    };
    await choose();
    await has(result(page, 'images'), /^4 images in .*0 hits.*4 misses$/);
    await choose();
    await has(result(page, 'images'), /^4 images in .*4 hits.*0 misses$/);
    await has(page.locator('#hit-rate'), '50 %');
    await has(page.locator('#hit-rate-note'), '4 of 8 lookups');
    await has(page.locator('#saved-note'), /less: .* read for 8.19 kB$/);
    await has(page.locator('#uploads'), '2');
    const rows = page.locator('#batches tr');
    assert.match((await rows.nth(0).textContent()) ?? '', /4 images40/);
    assert.match((await rows.nth(1).textContent()) ?? '', /4 images04/);
    await has(page.locator('#tiers'), 'In memory4 (50 %)');

    assert.is(await page.locator('#images-outcome .thumbnails .badge.hit').count(), 4);
    await page.getByText('The vectors: 512 dimensions').click();
    await page.getByText('chosen 3.png').waitFor();
    await holds(page, `document.querySelector('#images-outcome img').naturalWidth === 32`);
  });
});

page('images and a text file by drop; a drop is shown to be possible', async () => {
  await visit(browser, async ({ page }) => {
    const [file] = (await somePictures(page, 1)) as [Chosen];
    const drop = (name: string, type: string, data: string) =>
      page.evaluateHandle(`(() => {
        const transfer = new DataTransfer();
        const bytes = Uint8Array.from(atob('${data}'), (c) => c.charCodeAt(0));
        transfer.items.add(new File([bytes], '${name}', { type: '${type}' }));
        return transfer;
      })()`);
    const picture = await drop('dropped.png', 'image/png', file.buffer.toString('base64'));
    await page.dispatchEvent('.drop', 'dragenter', { dataTransfer: picture });
    assert.is(await page.locator('#images[data-over]').count(), 1);
    await page.dispatchEvent('.drop', 'drop', { dataTransfer: picture });
    assert.is(await page.locator('#images[data-over]').count(), 0);
    await has(result(page, 'images'), /^1 image in .*1 miss$/);

    const lines = await drop('lines.txt', 'text/plain', Buffer.from('one\ntwo\n\none').toString('base64'));
    await page.dispatchEvent('#lines', 'drop', { dataTransfer: lines });
    await holds(page, `document.querySelector('#lines').value.startsWith('one')`);
    await page.getByRole('button', { name: 'Embed texts' }).click();
    await has(result(page, 'texts'), /^3 texts in .*0 hits.*2 misses.*1 repeat$/);
  });
});

page('typed texts: each with the one that means most nearly the same, and the money that hits save', async () => {
  await visit(
    browser,
    async ({ page }) => {
      const rows = page.locator('#texts-outcome .items').first().locator('li');
      const embed = async (lines: string) => {
        await page.getByLabel('Texts, one a line').fill(lines);
        await page.getByRole('button', { name: 'Embed texts' }).click();
      };
      await embed('cat');
      await has(rows.nth(0), /^catmiss$/);
      await embed('cat\nkitten\nbond yields');
      await has(rows.nth(0), /^cathitnearest: kitten \(0\.\d\d\)$/);
      await embed('interest rates');
      await has(rows.nth(0), /^interest ratesmissnearest: bond yields \(0\.\d\d\)$/);
      await has(page.locator('#cost-title'), 'Money saved');
      await has(page.locator('#cost'), /^\d*\.?\d*[1-9]\d* ¢$/);
      await has(page.locator('#cost-note'), /^for [1-9]\d* tokens?, estimated$/);
    },
    { endpoint: { price: 5000 } },
  );
});

page('a reset: an empty cache, no figures, and what was a hit is a miss', async () => {
  await visit(browser, async ({ page }) => {
    const sample = () => page.getByRole('button', { name: '10 sample images' }).click();
    await sample();
    await has(result(page, 'images'), '10 misses');
    await has(page.locator('#hit-rate'), '0 %');
    await page.getByRole('button', { name: 'Reset' }).click();
    await has(page.locator('#reset-message'), 'The cache is empty');
    await has(page.locator('#hit-rate-note'), 'no lookup yet');
    await has(page.locator('#batches'), 'None yet');
    await page.locator('.thumbnails').waitFor({ state: 'detached' });
    await sample();
    await has(result(page, 'images'), '10 misses');
    await has(page.locator('#hit-rate-note'), '0 of 10 lookups');
  });
});

page('two clicks on a sample show misses and hits, of texts and of images', async () => {
  await visit(browser, async ({ page }) => {
    for (const [kind, name, many] of [
      ['texts', '20 sample texts', 20],
      ['images', '10 sample images', 10],
    ] as const) {
      await page.getByRole('button', { name }).click();
      await has(result(page, kind), `${many} misses`);
      await page.getByRole('button', { name }).click();
      await has(result(page, kind), `${many} hits`);
    }
    await page.getByRole('button', { name: '20 other texts' }).click();
    await has(result(page, 'texts'), '20 misses');
    await has(page.locator('#hit-rate-note'), '30 of 80 lookups');
  });
});

page(
  'progress: how much is sent, then that it is under way; the form is busy, and takes no second upload',
  async () => {
    await visit(browser, async ({ page }) => {
      const session = await page.context().newCDPSession(page);
      await session.send('Network.emulateNetworkConditions', {
        offline: false,
        latency: 0,
        downloadThroughput: -1,
        uploadThroughput: 2_000_000,
      });
      const [file] = (await somePictures(page, 1)) as [Chosen];
      const { buffer } = file;
      // What follows the end of a PNG is no part of the picture.
      const files = [
        { name: 'large.png', mimeType: 'image/png', buffer: Buffer.concat([buffer, Buffer.alloc(2_000_000)]) },
      ];
      let posted = 0;
      page.on('request', (request) => {
        if (request.method() === 'POST') posted += 1;
      });
      await page.setInputFiles('#files', files);
      const progress = page.getByRole('progressbar', { name: 'Upload of images' });
      await progress.waitFor();
      assert.is(await page.locator('#images').getAttribute('aria-busy'), 'true');
      await has(result(page, 'images'), 'Uploading 1 image');
      await holds(page, `(({ value }) => value > 0.1 && value < 0.9)(document.querySelector('#images progress'))`);
      await page.getByRole('button', { name: '10 sample images' }).click();
      await has(result(page, 'images'), /^1 image in/);
      assert.is(await progress.count(), 0);
      assert.is(await page.locator('#images').getAttribute('aria-busy'), null);
      assert.is(posted, 1);
    });
  },
);

page(
  'what is refused is told beside the control, with the reason of the server, and goes when it is made good',
  async () => {
    await visit(browser, async ({ page }) => {
      const notes = { name: 'notes <b>.png', mimeType: 'image/png', buffer: Buffer.from('words, and no picture') };
      await page.setInputFiles('#files', [notes]);
      const error = page.locator('#images-error');
      await has(error, 'Not embedded: notes <b>.png is not an image: expected png, jpeg, webp, gif.');
      assert.is(await error.getAttribute('role'), 'status');
      assert.match((await page.locator('#files').getAttribute('aria-describedby')) ?? '', 'images-error');
      await has(page.locator('#uploads-note'), '1 refused');

      await page.getByRole('button', { name: 'Embed texts' }).click();
      await has(page.locator('#texts-error'), 'there is no text in it');
      await page.getByLabel('Texts, one a line').fill('a line\n'.repeat(1001));
      await page.getByRole('button', { name: 'Embed texts' }).click();
      await has(page.locator('#texts-error'), '1001 texts are too many: at most 1000 at once');
      await page.getByLabel('Texts, one a line').fill('a line');
      await page.getByRole('button', { name: 'Embed texts' }).click();
      await has(result(page, 'texts'), '1 miss');
      assert.is(await page.locator('#texts-error').textContent(), '');
    });
  },
);

page(
  'Redis is killed: the breaker opens, uploads are answered all the same; it returns, and the breaker closes',
  async () => {
    const server = await startRedis();
    if (!server.isPrivate) {
      skipped('killing Redis needs a server of its own');
      return;
    }
    try {
      await visit(
        browser,
        async ({ page }) => {
          const chip = (text: string) => page.locator('#chips li', { hasText: text });
          const statuses: number[] = [];
          const upload = async (name: string) => {
            const answer = page.waitForResponse((response) => response.url().includes('/api/texts?'));
            await page.getByRole('button', { name }).click();
            statuses.push((await answer).status());
            await page.locator('#texts:not([aria-busy])').waitFor();
          };
          const hits = () =>
            until('the cache serves', async () => {
              await upload('20 sample texts');
              return result(page, 'texts').filter({ hasText: '20 hits' }).isVisible();
            });
          await hits();
          await chip('Redis behind memory: answers').waitFor();

          await server.kill();
          await chip('Redis behind memory: does not answer').waitFor();
          await has(page.locator('#banner'), 'The store does not answer');
          const isOpen = chip('Circuit breaker for reads: open');
          await until('the breaker opens', async () => {
            await upload('20 other texts');
            return isOpen.isVisible();
          });
          await has(page.locator('#banner'), /^The circuit breaker for reads.* is open.*Uploads are still answered/);

          await server.restart();
          await chip('Redis behind memory: answers').waitFor();
          // New texts, so that writes are tried as well.
          await until('the breakers close', async () => {
            await upload('20 other texts');
            return (await page.locator('#banner').textContent()) === '';
          });
          await chip('Circuit breaker for reads: closed').waitFor();
          await hits();
          assert.ok(statuses.length > 4);
          assert.equal([...new Set(statuses)], [200]);
        },
        { endpoint: { redis: server.url } },
      );
    } finally {
      await server.stop();
    }
  },
);

page('the server ends: the page says so, and shows it live again when it is back', async () => {
  const port = await freePort();
  await visit(
    browser,
    async ({ page, endpoint, complaints }) => {
      await endpoint.close();
      await page.getByText('Connection lost, trying again').waitFor();
      await page.getByRole('button', { name: '10 sample images' }).click();
      await has(page.locator('#images-error'), 'Not embedded: the server cannot be reached');
      const folder = mkdtempSync(join(tmpdir(), 'vecstash-page-'));
      const again = await startEndpoint({ port, folder });
      try {
        await has(page.locator('#connection'), /^Live$/);
        await page.getByRole('button', { name: '20 sample texts' }).click();
        await has(result(page, 'texts'), '20 misses');
      } finally {
        await page.goto('about:blank');
        await again.close();
        rmSync(folder, { recursive: true, force: true });
        complaints.length = 0;
      }
    },
    { endpoint: { port } },
  );
});

if (chromium) page.run();
else test('the page', () => skipped('no Chromium here: set CHROMIUM_PATH'));
test.run();
