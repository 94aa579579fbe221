import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../..', import.meta.url));
const versions = JSON.parse(readFileSync(new URL('consumer-versions.json', import.meta.url), 'utf8'));

/** A project of somebody who installed the packed package. */
export interface Consumer {
  folder: string;
  /** Whether the native package for this platform is installed too. */
  isNative: boolean;
  write(files: Record<string, string>): void;
  /** Runs a program of `node_modules/.bin`, or any file by its path, to its end. Throws its output where it fails. */
  run(command: string, args: string[], env?: NodeJS.ProcessEnv): Promise<string>;
  remove(): void;
}

/**
 * Installs the package with other packages, in the versions of consumer-versions.json, into an
 * empty folder. It is the tarball in the folder that VECSTASH_TARBALLS names, with the native
 * package where one lies there; else what `npm pack` makes of this checkout, with its addon where
 * it was built.
 */
export async function installConsumer(...packages: string[]): Promise<Consumer> {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-consumer-'));
  const tarballs = process.env.VECSTASH_TARBALLS ?? (await pack(join(folder, 'tarballs')));
  const native = `vecstash-native-${process.platform}-${process.arch}`;
  const files = readdirSync(tarballs).filter((name) => /^vecstash-\d.*\.tgz$/.test(name) || isOwnNative(name, native));
  writeFileSync(join(folder, 'package.json'), '{ "private": true }');
  const wanted = [...files.map((name) => join(tarballs, name)), ...packages.map(specOf)];
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--prefer-offline'];
  await run('npm', ['install', ...options, ...wanted], { cwd: folder, maxBuffer: 2 ** 26 });
  return {
    folder,
    isNative: files.length > 1,
    write(sources) {
      for (const [name, source] of Object.entries(sources)) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), source);
      }
    },
    async run(command, args, env = {}) {
      const program = existsSync(join(folder, 'node_modules/.bin', command))
        ? join(folder, 'node_modules/.bin', command)
        : command;
      try {
        const { stdout, stderr } = await run(program, args, {
          cwd: folder,
          env: { ...process.env, VECSTASH_NATIVE: '', ...env },
          maxBuffer: 2 ** 26,
        });
        return stdout + stderr;
      } catch (error) {
        const { message, stdout, stderr } = error as Error & { stdout: string; stderr: string };
        throw new Error(`${message}\n${stdout}\n${stderr}`);
      }
    },
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A version, an alias (`npm:`), or the whole of what is installed. */
function specOf(name: string): string {
  const version = versions[name];
  return /^(npm:|[\d.]+$)/.test(version) ? `${name}@${version}` : version;
}

function isOwnNative(name: string, native: string): boolean {
  return name.startsWith(native) && !name.includes('musl');
}

/** Packs the checkout, and its addon as the native package of this platform. */
async function pack(folder: string): Promise<string> {
  mkdirSync(folder);
  const options = ['pack', '--ignore-scripts', '--pack-destination', folder];
  await run('npm', options, { cwd: root, maxBuffer: 2 ** 26 });
  const addon = readdirSync(join(root, 'native')).find((name) => name.endsWith('.node'));
  if (addon === undefined) return folder;
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const name = `@vecstash/native-${addon.split('.')[1]}`;
  const source = join(folder, 'native');
  mkdirSync(source);
  writeFileSync(join(source, addon), readFileSync(join(root, 'native', addon)));
  writeFileSync(join(source, 'package.json'), JSON.stringify({ name, version, main: addon, files: [addon] }));
  await run('npm', options, { cwd: source });
  return folder;
}
