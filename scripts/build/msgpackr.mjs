// msgpackr's JavaScript, bundled: as a dependency it brings msgpackr-extract, whose install script
// some package managers refuse.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { build } from 'esbuild';

const folder = dirname(dirname(createRequire(import.meta.url).resolve('msgpackr')));

/** Its decoder drops a byte order mark at the beginning of a string; this one keeps it. */
const KEEPS_BOM = `
const Decoder = globalThis.TextDecoder ?? process.getBuiltinModule('node:util').TextDecoder;
class Utf8Decoder extends Decoder {
  constructor() { super('utf-8', { ignoreBOM: true }); }
}
export { Utf8Decoder as TextDecoder };
`;

/**
 * What it knows bytes by. In a test of Jest they are of several realms, and what is not known is packed as an object: here they are
 * known by what they are.
 */
const CLASSES = 'ArrayBuffer, Object.getPrototypeOf(Uint8Array.prototype).constructor /*TypedArray*/, DataView,';
const BY_KIND = `...[/^ArrayBuffer$/, /[0-9](Clamped)?Array$/, /^DataView$/].map((kind) => ({
  [Symbol.hasInstance]: (value) => kind.test(Object.prototype.toString.call(value).slice(8, -1)),
})),`;

/** Writes the class `Packr` as a CommonJS module, which both formats share, and ESM can import by its name. */
export async function bundleMsgpackr(outfile) {
  const license = readFileSync(join(folder, 'LICENSE'), 'utf8').trim();
  const mend = { name: 'mend', setup: mendSource };
  await build({
    entryPoints: [join(folder, 'pack.js')],
    inject: ['keeps-bom'],
    plugins: [mend],
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

function mendSource(build) {
  build.onResolve({ filter: /^keeps-bom$/ }, ({ path }) => ({ path, namespace: 'vecstash' }));
  build.onLoad({ filter: /.*/, namespace: 'vecstash' }, () => ({ contents: KEEPS_BOM, loader: 'js' }));
  build.onLoad({ filter: /msgpackr[\\/]pack\.js$/ }, ({ path }) => {
    const source = readFileSync(path, 'utf8');
    if (!source.includes(CLASSES))
      throw new Error('msgpackr has changed: scripts/build/msgpackr.mjs does not find its classes');
    return { contents: source.replace(CLASSES, BY_KIND), loader: 'js' };
  });
}
