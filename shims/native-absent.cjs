'use strict';

/** Stands in for native/load.cjs where a bundler or a runtime has no native code. */
module.exports = () => ({ error: new Error('native code is not available here') });
