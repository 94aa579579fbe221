'use strict';

/** Loads the addon from beside this file, else from the package for this platform. Never throws. */
const { platform, arch } = process;
const suffixes = { linux: ['-gnu', '-musl'], win32: ['-msvc'] }[platform] ?? [''];

function load() {
  let error;
  for (const name of suffixes.map((suffix) => `${platform}-${arch}${suffix}`)) {
    for (const path of [`./vecstash.${name}.node`, `@vecstash/native-${name}`]) {
      try {
        return { addon: require(path) };
      } catch (cause) {
        // What was found but does not load says more than that something else was not found.
        if (error === undefined || (error.code === 'MODULE_NOT_FOUND' && cause.code !== 'MODULE_NOT_FOUND'))
          error = cause;
      }
    }
  }
  return { error };
}

module.exports = load();
