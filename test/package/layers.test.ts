import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { runNode } from '../support/run-script.js';

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Lints a copy of src with one file more. */
async function lintWith(path: string, source: string): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-layers-'));
  try {
    for (const name of [
      'src',
      'native/load.cjs',
      'native/load.d.cts',
      'shims',
      'optional',
      'tsconfig.json',
      'package.json',
      '.dependency-cruiser.cjs',
    ]) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      cpSync(join(root, name), join(folder, name), { recursive: true });
    }
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, path), source);
    const depcruise = join(root, 'node_modules/dependency-cruiser/bin/dependency-cruise.mjs');
    const { code, stdout } = await runNode([depcruise, '--config', '.dependency-cruiser.cjs', 'src'], { cwd: folder });
    return code === 0 ? 'clean' : stdout;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

test('downward imports are clean', async () => {
  assert.is(
    await lintWith('src/cache/probe.ts', "import { isName } from '../keys/key.js';\nexport const probe = isName;\n"),
    'clean',
  );
});

const wrong: [string, string, string, RegExp][] = [
  [
    'keys know no codec, not even a type',
    'src/keys/probe.ts',
    "import type { Engine } from '../codec/engine/engine.js';\nexport type Probe = Engine;\n",
    /keys-imports-downward/,
  ],
  [
    'backends know no codec',
    'src/backends/probe.ts',
    "import { SEALED } from '../codec/modes.js';\nexport const probe = SEALED;\n",
    /backends-imports-downward/,
  ],
  [
    'the codec knows no keys',
    'src/codec/probe.ts',
    "import { isName } from '../keys/key.js';\nexport const probe = isName;\n",
    /codec-imports-downward/,
  ],
  [
    'nothing inside imports the index',
    'src/cache/probe.ts',
    "import { createCache } from '../index.js';\nexport const probe = createCache;\n",
    /no-index-inside/,
  ],
  [
    'one file loads the core',
    'src/codec/probe.ts',
    "import load from '#native';\nexport const probe = load;\n",
    /core-in-select-only/,
  ],
  [
    'the builds of the core do not know each other',
    'src/codec/engine/probe.ts',
    "import { createNativeEngine } from './native.js';\nexport const probe = createNativeEngine;\n",
    /builds-know-no-other/,
  ],
  [
    'no SDK at the top level',
    'src/backends/probe.ts',
    "import { Redis } from 'ioredis';\nexport const probe = Redis;\n",
    /no-heavy-sdk-at-top-level/,
  ],
  [
    'a new room takes its place first',
    'src/telemetry.ts',
    'export const probe = 1;\nimport "./errors.js";\n',
    /known-layers-only/,
  ],
];

for (const [what, path, source, rule] of wrong) {
  test(what, async () => assert.match(await lintWith(path, source), rule));
}

test.run();
