'use strict';

/**
 * Node's own `require`, which no bundler follows: for native packages and for built-in modules that
 * not every Node has, and for what a bundle left out. In a bundle it looks from beside that, from
 * beside the program, then from the working directory; elsewhere from here alone, since the working
 * directory may be anybody's.
 */
let requires;

function open() {
  // Node 20 has getBuiltinModule from 20.16 on; a bundle of modules has no `require`.
  const nodeModule = process.getBuiltinModule ? process.getBuiltinModule('node:module') : require('node:module');
  const base = nodeModule.createRequire(`${process.cwd()}/bundle.js`);
  const here = typeof __filename === 'string' ? __filename : '';
  const { isAbsolute } = base('node:path');
  if (/[\\/]shims[\\/]require\.cjs$/.test(here) && base('node:fs').existsSync(here))
    return [nodeModule.createRequire(here)];
  const places = [here, process.argv[1]].filter((place) => place && isAbsolute(place));
  return [...places.map((place) => nodeModule.createRequire(place)), base];
}

/** @param cause why it is looked for here, which is thrown where nothing is found */
module.exports = (id, cause) => {
  let first = cause;
  requires ??= open();
  for (const load of requires) {
    try {
      return load(id);
    } catch (error) {
      // What was found and does not load says more than that something was not found.
      if (first === undefined || (isAway(first) && !isAway(error))) first = error;
    }
  }
  throw first;
};

function isAway({ code }) {
  return code === 'MODULE_NOT_FOUND';
}

/** Never called: @vercel/nft, which makes Next's standalone output, reads here which native packages there may be. */
module.exports.traced = (module) => {
  const load = module.createRequire(__filename);
  load('@vecstash/native-darwin-arm64');
  load('@vecstash/native-darwin-x64');
  load('@vecstash/native-linux-arm64-gnu');
  load('@vecstash/native-linux-arm64-musl');
  load('@vecstash/native-linux-x64-gnu');
  load('@vecstash/native-linux-x64-musl');
  load('@vecstash/native-win32-arm64-msvc');
  load('@vecstash/native-win32-x64-msvc');
  load('better-sqlite3');
};
