/** How TypeScript finds the package. */
export interface Resolution {
  name: string;
  /** Of the files to compile: what makes ESM or CommonJS of them. */
  extensions: string[];
  flags: string[];
}

const resolution = (name: string, extensions: string[], module: string, ...flags: string[]): Resolution => ({
  name,
  extensions,
  flags: ['--module', module, '--moduleResolution', name, ...flags],
});

/** What a version of TypeScript knows, by its major number. */
export function resolutionsOf(major: number): Resolution[] {
  const node16 = resolution('node16', ['cts', 'mts'], 'node16');
  const bundler = resolution('bundler', ['ts'], 'esnext');
  if (major >= 7) return [node16, bundler];
  // 6 wants to hear that it is known to go.
  const node10 = resolution('node10', ['ts'], 'commonjs', ...(major === 6 ? ['--ignoreDeprecations', '6.0'] : []));
  return [node10, node16, bundler];
}

/** As strict as a consumer can be. */
export const STRICT = '--noEmit --strict --exactOptionalPropertyTypes --skipLibCheck false --target es2022'.split(' ');
