/** What an install could not get, and what stands in for it: one line each. */

export function reportOptionalDependencies(require) {
  const sqlite = failureOf(() => {
    const Database = require('better-sqlite3');
    new Database(':memory:').close();
  });
  if (sqlite) {
    const instead = failureOf(() => require('node:sqlite')) ? 'SqliteBackend is unavailable' : 'node:sqlite serves';
    console.log(`vecstash: better-sqlite3 is not available (${sqlite}); ${instead}`);
  }

  const zstd = failureOf(() => require('zstd-napi'));
  if (zstd) {
    const isBuiltIn = typeof require('node:zlib').zstdCompressSync === 'function';
    const instead = isBuiltIn ? 'the zstd of node:zlib serves' : 'the portable engine reads and writes no zstd records';
    console.log(`vecstash: zstd-napi is not available (${zstd}); ${instead}`);
  }
}

/** Why an attempt failed, in a few words; undefined where it did not. */
function failureOf(attempt) {
  try {
    attempt();
    return undefined;
  } catch (error) {
    return error.code === 'MODULE_NOT_FOUND' ? 'not installed' : String(error.message).split('\n', 1)[0].slice(0, 120);
  }
}
