import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** The oldest glibc that a native package runs on. */
export const GLIBC = '2.17';

const ARCHES = { x86_64: 'x64', aarch64: 'arm64' };
const PLATFORMS = { linux: 'linux', darwin: 'darwin', windows: 'win32' };

/**
 * The native packages: `{ triple, name, id, platform, arch, abi }`, such as `linux-x64-gnu` and
 * `@vecstash/native-linux-x64-gnu`.
 */
export function nativeTargets() {
  const { targets, packageName } = JSON.parse(readFileSync(join(root, 'native/napi.json'), 'utf8'));
  return targets.map((triple) => {
    const [cpu, , system, abi] = triple.split('-');
    const [platform, arch] = [PLATFORMS[system], ARCHES[cpu]];
    const name = [platform, arch, abi].filter(Boolean).join('-');
    return { triple, name, id: `${packageName}-${name}`, platform, arch, abi };
  });
}
