import { parseArgs } from 'node:util';
import { isName, NAME_EXPECTED } from '../keys/key.js';
import { TTL_EXPECTED, ttlMilliseconds } from '../ttl.js';

/** What was typed is wrong: the message says what to do, and the process ends with 2. */
export class UsageError extends Error {}

/** An option of a command. Without `read` it is a flag. */
export interface Option<T> {
  about: string;
  /** What its value is, as the help names it. */
  value?: string;
  /** Undefined where the text is not `expected`. */
  read?: (text: string) => T | undefined;
  expected?: string;
  /** What is read where it is not set. */
  default?: string;
  /** The environment variables that set it, the first that is there. @default VECSTASH_NAME */
  env?: string[];
}

type Read<Options> = { [Name in keyof Options]: Options[Name] extends Option<infer T> ? T | undefined : never };

const UNITS: Record<string, number> = { '': 1, kb: 2 ** 10, mb: 2 ** 20, gb: 2 ** 30 };

/** The bytes of a size such as `64mb`, or undefined. */
export function bytesOf(text: string): number | undefined {
  const [, count, unit] = /^(\d{1,12})(kb|mb|gb|)$/i.exec(text) ?? [];
  const bytes = Number(count) * (UNITS[unit?.toLowerCase() ?? ''] ?? Number.NaN);
  return bytes >= 1 && Number.isSafeInteger(bytes) ? bytes : undefined;
}

export const flag = (about: string): Option<boolean> => ({ about });

export const text = (value: string, about: string, rest: Partial<Option<string>> = {}): Option<string> => ({
  about,
  value,
  read: (given) => given || undefined,
  expected: `a ${value}`,
  ...rest,
});

export const count = (about: string, least: number, most: number, rest: Partial<Option<number>>): Option<number> => ({
  about,
  value: 'N',
  read: (given) => (/^\d{1,9}$/.test(given) && +given >= least && +given <= most ? +given : undefined),
  expected: `a whole number from ${least} to ${most}`,
  ...rest,
});

export const size = (about: string, preset: string): Option<number> => ({
  about,
  value: 'SIZE',
  read: bytesOf,
  expected: 'a number of bytes such as 65536, 512kb or 16mb',
  default: preset,
});

export const time = (about: string, preset?: string): Option<number> => ({
  about,
  value: 'TIME',
  read: (given) => ttlMilliseconds(/^\d+$/.test(given) ? +given : given),
  expected: TTL_EXPECTED,
  ...(preset !== undefined && { default: preset }),
});

export const name = (about: string, preset: string): Option<string> =>
  text('NAME', about, {
    read: (given) => (isName(given) ? given : undefined),
    expected: NAME_EXPECTED,
    default: preset,
  });

export const url = (about: string): Option<URL> => ({
  about,
  value: 'URL',
  read: (given) => {
    if (!URL.canParse(given)) return undefined;
    const read = new URL(given);
    return /^https?:$/.test(read.protocol) && read.username === '' && read.password === '' ? read : undefined;
  },
  expected: 'a URL that begins with http:// or https://, without a user name',
});

const variablesOf = (option: string, { env }: Option<unknown>) =>
  env ?? [`VECSTASH_${option.toUpperCase().replaceAll('-', '_')}`];

/**
 * Reads the options of a command from its arguments, then from the environment. `--help` prints
 * them and ends the process. Throws `UsageError`, which never tells a value: it may be a password.
 */
export function readOptions<Options extends Record<string, Option<unknown>>>(
  command: string,
  about: string,
  options: Options,
  args: string[],
  env: NodeJS.ProcessEnv = process.env,
): Read<Options> {
  const given = parsed(command, options, args);
  if (given.help) {
    process.stdout.write(helpOf(command, about, options));
    process.exit(0);
  }
  const read = Object.entries(options).map(([option, definition]) => {
    const variable = variablesOf(option, definition).find((each) => env[each]);
    const value = given[option] ?? (variable && env[variable]) ?? definition.default;
    if (definition.read === undefined) return [option, value === true || (value !== undefined && value !== '0')];
    if (value === undefined) return [option, undefined];
    const result = definition.read(String(value));
    const source = given[option] === undefined && variable ? variable : `--${option}`;
    if (result === undefined) throw new UsageError(`${source} has to be ${definition.expected}`);
    return [option, result];
  });
  return Object.fromEntries(read) as Read<Options>;
}

function parsed(command: string, options: Record<string, Option<unknown>>, args: string[]) {
  const types = Object.entries(options).map(([option, { read }]) => [option, { type: read ? 'string' : 'boolean' }]);
  try {
    const config = { ...Object.fromEntries(types), help: { type: 'boolean', short: 'h' } };
    return parseArgs({ args, options: config }).values as Record<string, string | boolean | undefined>;
  } catch (error) {
    const [first] = (error as Error).message.split(/[.\n]/, 1);
    throw new UsageError(`${first}: vecstash ${command} --help lists the options`);
  }
}

function helpOf(command: string, about: string, options: Record<string, Option<unknown>>): string {
  const rows = Object.entries(options).map(([option, definition]) => {
    const preset = definition.default === undefined ? '' : ` [${definition.default}]`;
    return [
      `--${option} ${definition.value ?? ''}`,
      `${definition.about}${preset}`,
      variablesOf(option, definition),
    ] as const;
  });
  const lines = rows.map(([usage, what, env]) => `  ${usage.padEnd(20)}${what} (${env.join(' or ')})`);
  return `Usage: vecstash ${command} [OPTIONS]\n\n${about}\n\n${lines.join('\n')}\n`;
}
