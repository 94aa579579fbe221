'use strict';

const { readFileSync } = require('node:fs');
const { join } = require('node:path');

let compiled;

/** Makes an instance of the core from the file beside this one, which is compiled once. */
module.exports = () => {
  compiled ??= new WebAssembly.Module(readFileSync(join(__dirname, 'vecstash.wasm')));
  return new WebAssembly.Instance(compiled).exports;
};
