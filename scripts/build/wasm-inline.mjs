// A browser has no files, and a bundler no rule for WebAssembly that all of them have: there the
// core is text in a module, deflated and in Z85 (https://rfc.zeromq.org/spec/32), which takes 6 %
// less than base64.
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { build } from 'esbuild';

const DIGITS = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#';
const BASE = 85;

export async function inlineWasm(source, outfile) {
  const core = readFileSync(source);
  const text = toZ85(deflateRawSync(core, { level: 9, memLevel: 9 }));
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

/** Four bytes become five digits. Zeros are added to the last ones: deflate tells where it ends. */
function toZ85(bytes) {
  const padded = Buffer.concat([bytes, Buffer.alloc(-bytes.length & 3)]);
  let text = '';
  for (let at = 0; at < padded.length; at += 4) {
    const word = padded.readUInt32BE(at);
    for (let place = 4; place >= 0; place--) text += DIGITS[Math.floor(word / BASE ** place) % BASE];
  }
  return text;
}

const program = (text, bytes) => `
import { inflateSync } from 'fflate';
const DIGITS = '${DIGITS}';
let compiled;
function compile() {
  const text = '${text}';
  const words = new DataView(new ArrayBuffer(text.length / 5 * 4));
  for (let at = 0; at < text.length; at += 5) {
    let word = 0;
    for (let place = 0; place < 5; place++) word = word * ${BASE} + DIGITS.indexOf(text[at + place]);
    words.setUint32(at / 5 * 4, word);
  }
  return new WebAssembly.Module(inflateSync(new Uint8Array(words.buffer), { out: new Uint8Array(${bytes}) }));
}
export default () => {
  compiled ??= compile();
  return new WebAssembly.Instance(compiled).exports;
};
`;

function fflate() {
  return dirname(dirname(createRequire(import.meta.url).resolve('fflate')));
}
