import loadAddon from '#native';
import { skipped } from './skip.js';

export type EngineName = 'native' | 'portable';

/** Why there is no native engine here, or undefined where there is one. */
export const nativeMissing: string | undefined = loadAddon().error?.message;

/** The engines to run a case over. Where one is missing, the file says so once. */
export const engines: readonly EngineName[] = nativeMissing === undefined ? ['native', 'portable'] : ['portable'];

if (nativeMissing !== undefined)
  skipped(`the cases of the native engine: it is not built here (${nativeMissing.split('\n')[0]})`);

/** Every ordered pair: who writes, who reads. */
export const pairs: readonly [EngineName, EngineName][] = engines.flatMap((writer) =>
  engines.map((reader): [EngineName, EngineName] => [writer, reader]),
);
