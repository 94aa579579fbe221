/**
 * A short account of a refused value for an error's message. What may be a secret, going by the option's name, and everything
 * long is told by its type alone.
 */
export function describeValue(value: unknown, option: string): string {
  if (value === null || value === undefined || typeof value === 'boolean' || typeof value === 'number') {
    return String(value);
  }
  if (typeof value === 'string') {
    const isTellable = value.length <= 40 && !/secret|password|token|key|url|auth/i.test(option);
    return isTellable ? JSON.stringify(value) : 'a string';
  }
  if (Array.isArray(value)) return 'an array';
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`;
}

/** The type of a value whose content may not be told: what `typeof` says, and null by its name. */
export function kindOf(value: unknown): string {
  return value === null ? 'null' : typeof value;
}
