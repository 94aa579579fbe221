'use strict';

let compiled;

/**
 * Makes an instance of the core, which is compiled once: from its file, or from text where a bundler left that behind.
 */
module.exports = () => {
  compiled ??= compile();
  return compiled === undefined
    ? require('../dist/wasm-inline.mjs').default()
    : new WebAssembly.Instance(compiled).exports;
};

function compile() {
  try {
    const { readFileSync } = process.getBuiltinModule?.('node:fs') ?? require('node:fs');
    return new WebAssembly.Module(readFileSync(`${__dirname}/../native/vecstash.wasm`));
  } catch {
    // A bundle of modules has no __dirname, and one elsewhere has no such file.
    return undefined;
  }
}
