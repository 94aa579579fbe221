'use strict';

const fromNode = require('#require');

/**
 * Loads @upstash/redis. The name is literal, for bundlers and tracers; the `try` lets them go on
 * where it is not installed.
 */
module.exports = () => {
  try {
    return require('@upstash/redis');
  } catch (error) {
    return fromNode('@upstash/redis', error);
  }
};
