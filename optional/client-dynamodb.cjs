'use strict';

const fromNode = require('#require');

/**
 * Loads @aws-sdk/client-dynamodb. The name is literal, for bundlers and tracers; the `try` lets
 * them go on where it is not installed.
 */
module.exports = () => {
  try {
    return require('@aws-sdk/client-dynamodb');
  } catch (error) {
    return fromNode('@aws-sdk/client-dynamodb', error);
  }
};
