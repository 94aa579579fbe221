'use strict';

const fromNode = require('#require');

/**
 * Loads prom-client. The name is literal, for bundlers and tracers; the `try` lets them go on where
 * it is not installed.
 */
module.exports = () => {
  try {
    return require('prom-client');
  } catch (error) {
    return fromNode('prom-client', error);
  }
};
