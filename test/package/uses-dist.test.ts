import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { usesDist } from '../support/uses-dist.js';

const TESTS = {
  'a text that names the package': ['test/package/service-copies.test.ts', true],
  'an import of an import that packs': ['test/docs/blocks.test.ts', true],
  'a program that node is given': ['test/examples/quickstart.test.ts', true],
  'a page that is bundled': ['test/dashboard/mounts.test.ts', true],
  'src alone': ['test/keys/keys.test.ts', false],
  'src and servers': ['test/backends/redis.test.ts', false],
} as const;

for (const [why, [file, expected]] of Object.entries(TESTS)) {
  test(`whether dist is built for ${file}: ${why}`, () => {
    assert.is(usesDist(file), expected);
  });
}

test.run();
