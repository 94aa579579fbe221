'use strict';

const fromNode = require('#require');

/**
 * Loads ioredis. The name is literal, for bundlers and tracers; the `try` lets them go on where it
 * is not installed.
 */
module.exports = () => {
  try {
    return require('ioredis');
  } catch (error) {
    return fromNode('ioredis', error);
  }
};
