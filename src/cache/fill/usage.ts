import { isUint8Array } from '../../realms.js';

/** The tokens of each input of a call; undefined where nobody knows. */
export type InputTokens = (number | undefined)[];

const MAX_TOKENS = 0xffffffff;
const BYTES_PER_TOKEN = 4;

/**
 * The tokens of each input, of what a model reported for all of them: a number for each, or their
 * sum, which is split by the bytes of the inputs (texts as UTF-8; inputs that are neither text nor
 * bytes have equal shares) so that the shares add up to it. Undefined where that is no whole number
 * of tokens, or not one for each input.
 */
export function tokensOfInputs(reported: unknown, inputs: readonly unknown[]): InputTokens | undefined {
  if (Array.isArray(reported)) {
    return reported.length === inputs.length && reported.every(isCount) ? [...reported] : undefined;
  }
  if (!isCount(reported)) return undefined;
  const sizes = inputs.map(sizeOf);
  const all = sizes.reduce((sum, size) => sum + size, 0);
  let size = 0;
  let given = 0;
  return sizes.map((own) => {
    size += own;
    const upToHere = Math.round((reported * size) / all);
    const share = upToHere - given;
    given = upToHere;
    return share;
  });
}

/** What an input is taken for before a model says how many tokens it has. */
export function estimateTokens(input: unknown): number {
  return sizeOf(input) / BYTES_PER_TOKEN;
}

/** The bytes of an input, at least 1. */
function sizeOf(input: unknown): number {
  if (typeof input === 'string') return Buffer.byteLength(input) || 1;
  return (isUint8Array(input) && input.length) || 1;
}

/** What was reported for a whole call. */
export function sumOf(reported: number | readonly number[] | undefined): number | undefined {
  return Array.isArray(reported) ? reported.reduce((sum, tokens) => sum + tokens, 0) : (reported as number | undefined);
}

function isCount(value: unknown): value is number {
  return Number.isInteger(value) && (value as number) >= 0 && (value as number) <= MAX_TOKENS;
}
