import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { run } from '../tarballs/run.mjs';

const scope = 'node_modules/@vecstash';

/**
 * The package managers: `prepare` writes their settings, `install` is what is typed, `remove` takes
 * the native packages away and `node` is how Node is started. Each is a package of the npm registry
 * itself, so that its version is ours to say.
 */
export const managers = {
  npm: {
    prepare: (folder, registry) => writeFileSync(join(folder, '.npmrc'), `registry=${registry}\nignore-scripts=true\n`),
    command: ['npm'],
    install: (packages) => ['install', '--no-audit', '--no-fund', ...packages],
    remove: (folder) => rmSync(join(folder, scope), { recursive: true }),
    node: [],
  },
  pnpm: {
    package: 'pnpm@12',
    entry: 'node_modules/pnpm/bin/pnpm.mjs',
    // Its own default is to fail where a dependency has scripts that nobody allowed.
    prepare: (folder, registry) => {
      writeFileSync(join(folder, '.npmrc'), `registry=${registry}\n`);
      writeFileSync(join(folder, 'pnpm-workspace.yaml'), 'strictDepBuilds: true\nminimumReleaseAge: 0\n');
    },
    install: (packages) => ['add', `--store-dir=.store`, ...packages],
    remove: (folder) => run('sh', ['-c', 'rm -rf node_modules/.pnpm/@vecstash*'], { cwd: folder }),
    node: [],
  },
  yarn: {
    package: '@yarnpkg/cli-dist@4',
    entry: 'node_modules/@yarnpkg/cli-dist/bin/yarn.js',
    prepare: (folder, registry) => {
      const settings = `npmRegistryServer: "${registry}"\nunsafeHttpWhitelist: ["127.0.0.1"]\nnodeLinker: pnp\nenableScripts: false`;
      const quiet =
        'enableTelemetry: false\nenableGlobalCache: false\nnpmMinimalAgeGate: 0\nenableImmutableInstalls: false';
      writeFileSync(join(folder, '.yarnrc.yml'), `${settings}\n${quiet}\n`);
      writeFileSync(join(folder, 'yarn.lock'), '');
    },
    install: (packages) => ['add', ...packages],
    remove: (folder) => run('sh', ['-c', 'rm -rf .yarn/unplugged/@vecstash*'], { cwd: folder }),
    node: ['--require', './.pnp.cjs', '--loader', './.pnp.loader.mjs', '--no-warnings'],
  },
  bun: {
    package: 'bun@1',
    extra: ['@oven/bun-linux-x64'],
    binary: 'node_modules/@oven/bun-linux-x64/bin/bun',
    prepare: (folder, registry) => writeFileSync(join(folder, 'bunfig.toml'), `[install]\nregistry = "${registry}"\n`),
    install: (packages) => ['add', '--ignore-scripts', ...packages],
    remove: (folder) => rmSync(join(folder, scope), { recursive: true }),
    node: [],
  },
};
