'use strict';

const fromNode = require('#require');

/**
 * Loads @langchain/core/embeddings. The name is literal, for bundlers and tracers; the `try` lets
 * them go on where it is not installed.
 */
module.exports = () => {
  try {
    return require('@langchain/core/embeddings');
  } catch (error) {
    return fromNode('@langchain/core/embeddings', error);
  }
};
