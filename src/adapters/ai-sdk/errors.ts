import { EmbedError, InvalidInputError, InvalidOptionError } from '../../errors.js';
import { originalOf } from '../adapted.js';

/**
 * The error that AI SDK users know: what the model threw, an `InvalidResponseDataError` where its
 * answer was refused, an `InvalidArgumentError` where an argument was.
 */
export function sdkErrorOf(error: unknown): unknown {
  const original = originalOf(error);
  if (original instanceof EmbedError) return marked(original, 'InvalidResponseDataError', {});
  if (original instanceof InvalidInputError) return invalidArgument(original, original.field);
  return original instanceof InvalidOptionError ? invalidArgument(original, original.option) : original;
}

function invalidArgument(error: Error, argument: string): Error {
  // The package `ai` has the one name, @ai-sdk/provider the other.
  return marked(error, 'InvalidArgumentError', { argument, parameter: argument });
}

/**
 * The AI SDK tells its errors by registered symbols (`isInstance`), so that they need not be made
 * by its own classes.
 */
function marked(error: Error, name: string, properties: object): Error {
  const marker = 'vercel.ai.error';
  error.name = `AI_${name}`;
  return Object.assign(error, properties, {
    [Symbol.for(marker)]: true,
    [Symbol.for(`${marker}.${error.name}`)]: true,
  });
}
