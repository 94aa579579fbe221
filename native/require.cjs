'use strict';

// `require` for the sources, which are compiled to ESM (no `require`) and to CommonJS (no `import.meta`) alike.
module.exports = (id) => require(id);
