// A browser has no files, and a bundler no rule for WebAssembly that all of them have: there the core is text in a module, deflated.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { build } from 'esbuild';

export async function inlineWasm(source, outfile) {
  const core = readFileSync(source);
  const text = deflateRawSync(core, { level: 9, memLevel: 9 }).toString('base64');
  const license = readFileSync(join(fflate(), 'LICENSE'), 'utf8').trim();
  await build({
    stdin: { resolveDir: '.', contents: program(text, core.length) },
    outfile,
    bundle: true,
    minify: true,
    format: 'esm',
    platform: 'neutral',
    mainFields: ['module'],
    target: 'es2022',
    banner: { js: `/*! With fflate, https://github.com/101arrowz/fflate\n\n${license}\n*/` },
    logLevel: 'warning',
  });
}

// fflate is told the size, and the text is let go of once it is read.
const program = (text, bytes) => `
import { inflateSync } from 'fflate';
let compiled;
function compile() {
  const deflated = Uint8Array.from(atob('${text}'), (character) => character.charCodeAt(0));
  return new WebAssembly.Module(inflateSync(deflated, { out: new Uint8Array(${bytes}) }));
}
export default () => {
  compiled ??= compile();
  return new WebAssembly.Instance(compiled).exports;
};
`;

function fflate() {
  return dirname(dirname(createRequire(import.meta.url).resolve('fflate')));
}
