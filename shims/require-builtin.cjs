'use strict';

// Stands in for require.cjs in a Worker and in a page, where a bundle has no `require`: what the runtime itself has.
module.exports = (id, cause) => {
  const found = globalThis.process?.getBuiltinModule?.(id);
  if (found === undefined) throw cause ?? new Error(`${id} is not available here`);
  return found;
};
