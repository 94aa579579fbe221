// msgpackr's JavaScript, bundled: as a dependency it brings msgpackr-extract, whose install script
// some package managers refuse.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const folder = dirname(dirname(createRequire(import.meta.url).resolve('msgpackr')));

/** Its decoder drops a byte order mark at the beginning of a string; this one keeps it. */
const KEEPS_BOM = `
class Utf8Decoder extends globalThis.TextDecoder {
  constructor() { super('utf-8', { ignoreBOM: true }); }
}
export { Utf8Decoder as TextDecoder };
`;

/** Writes the class `Packr` as a CommonJS module, which both formats share, and ESM can import by its name. */
export async function bundleMsgpackr(outfile) {
  const license = readFileSync(join(folder, 'LICENSE'), 'utf8').trim();
  const inject = { name: 'keeps-bom', setup: injectDecoder };
  await build({
    entryPoints: [join(folder, 'pack.js')],
    inject: ['keeps-bom'],
    plugins: [inject],
    outfile,
    bundle: true,
    minify: true,
    keepNames: true,
    format: 'iife',
    globalName: 'msgpackr',
    target: 'node20',
    banner: { js: `/*! msgpackr, https://github.com/kriszyp/msgpackr\n\n${license}\n*/\n'use strict';` },
    footer: { js: 'exports.Packr = msgpackr.Packr;' },
    logLevel: 'warning',
  });
}

function injectDecoder(build) {
  build.onResolve({ filter: /^keeps-bom$/ }, ({ path }) => ({ path, namespace: 'vecstash' }));
  build.onLoad({ filter: /.*/, namespace: 'vecstash' }, () => ({ contents: KEEPS_BOM, loader: 'js' }));
}
