'use strict';

// Stands in for require.cjs in a Worker, where a bundle has no `require`: what the runtime itself has.
module.exports = (id) => {
  const found = process.getBuiltinModule(id);
  if (found === undefined) throw new Error(`${id} is not available here`);
  return found;
};
