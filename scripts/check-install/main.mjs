/**
 * `npm run check:install [-- DIR]`: what a user gets. Installs the tarballs of DIR (made by `npm
 * run tarballs` where none is given) into empty projects with each package manager on each Node,
 * without scripts and without Rust, and caches a vector there: by the native engine, and where the
 * native package is taken away by the portable one. What the machine lacks is skipped in a line.
 */
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join, resolve } from 'node:path';
import { ask, run } from '../tarballs/run.mjs';
import { root } from '../tarballs/targets.mjs';
import { managers } from './managers.mjs';
import { startRegistry } from './registry.mjs';
import { nodeOf, tool } from './tools.mjs';

const MAJORS = [20, 22, 24, 26];
const MAX_MS = 300_000;
const counts = { passed: 0, failed: 0, skipped: 0 };
const temporary = mkdtempSync(join(tmpdir(), 'vecstash-check-install-'));

try {
  await main();
} finally {
  rmSync(temporary, { recursive: true, force: true });
}
console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
process.exitCode = counts.failed > 0 || counts.passed === 0 ? 1 : 0;

async function main() {
  const tarballs = resolve(process.argv[2] ?? join(temporary, 'tarballs'));
  if (process.argv[2] === undefined) {
    const libc = process.platform === 'linux' ? '-gnu' : process.platform === 'win32' ? '-msvc' : '';
    const here = `${process.platform}-${process.arch}${libc}`;
    console.log(run(process.execPath, [join(root, 'scripts/tarballs/main.mjs'), tarballs, '--only', `main,${here}`]));
  }
  const registry = await startRegistry(tarballs);
  const redis = startRedis();
  try {
    for (const major of MAJORS) {
      const node = attempt(`Node ${major}`, () => nodeOf(major));
      if (node === undefined) continue;
      for (const name of Object.keys(managers)) {
        const command = attempt(name, () => commandOf(managers[name], node));
        if (command === undefined) continue;
        const packages = ['vecstash', ...(redis ? ['ioredis'] : [])];
        await check(`${name}, Node ${major}`, { name, node, command, packages, registry: registry.url, redis });
      }
      const files = readdirSync(tarballs).filter((file) => /^vecstash-(\d|native-linux-x64-gnu)/.test(file));
      const packages = [...files.map((file) => join(tarballs, file)), ...(redis ? ['ioredis'] : [])];
      const command = commandOf(managers.npm, node);
      await check(`npm, files, Node ${major}`, { name: 'npm', node, command, packages, registry: registry.url, redis });
    }
  } finally {
    registry.close();
    redis?.stop();
  }
}

/** One project: an installation, a run, and a run without the native package. */
async function check(title, { name, node, command, packages, registry, redis }) {
  const manager = managers[name];
  const folder = mkdtempSync(join(temporary, 'project-'));
  writeFileSync(join(folder, 'package.json'), '{ "name": "empty", "version": "1.0.0", "private": true }\n');
  copyFileSync(join(root, 'scripts/check-install/program.mjs'), join(folder, 'program.mjs'));
  manager.prepare(folder, registry);
  const env = { ...bare(node), ...(redis && { REDIS: redis.url }) };
  const installed = await finish([...command, ...manager.install(packages)], folder, env);
  const warned = (installed.stdout + installed.stderr).split('\n').filter((line) => /warn|YN0000.*fail/i.test(line));
  const isInstalled = installed.code === 0 && !warned.some((line) => line.includes('vecstash'));
  judge(`${title}: installs`, isInstalled, installed.stdout + installed.stderr);
  if (installed.code === 0) {
    const start = [node, ...manager.node, 'program.mjs'];
    judgeRun(`${title}: native`, await finish(start, folder, env), 'native', redis);
    manager.remove(folder);
    judgeRun(`${title}: without the native package`, await finish(start, folder, env), 'portable', redis);
  }
  rmSync(folder, { recursive: true, force: true });
}

function judgeRun(title, { code, stdout, stderr }, engine, redis) {
  const expected = JSON.stringify({ engine, asked: { memory: [1, 0], ...(redis && { redis: [1, 0] }) } });
  judge(title, code === 0 && stdout === `${expected}\n` && stderr === '', `${stdout}${stderr}`);
}

function judge(title, isRight, output) {
  counts[isRight ? 'passed' : 'failed'] += 1;
  console.log(`${isRight ? 'ok  ' : 'FAIL'} ${title}`);
  if (!isRight) console.log(output.replace(/^/gm, '    | '));
}

function attempt(what, get) {
  try {
    return get();
  } catch (error) {
    counts.skipped += 1;
    console.log(`skipped: ${what}: ${error.message.split('\n').slice(0, 3).join(' ')}`);
    return undefined;
  }
}

/** How a manager is started by this Node. */
function commandOf(manager, node) {
  if (manager.command) return [node, join(dirname(ask('npm', ['root', '-g'])), 'node_modules/npm/bin/npm-cli.js')];
  const folder = tool([manager.package, ...(manager.extra ?? [])]);
  const command = manager.binary ? [join(folder, manager.binary)] : [node, join(folder, manager.entry)];
  const { status, stderr, stdout } = spawnSync(command[0], [...command.slice(1), '--version'], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`does not run on Node ${node}: ${(stderr + stdout).trim().slice(0, 200)}`);
  return command;
}

/**
 * An environment whose PATH has this Node and the system's own programs: no Rust, and none of this
 * process's settings for npm.
 */
function bare(node) {
  const bin = mkdtempSync(join(temporary, 'bin-'));
  symlinkSync(node, join(bin, 'node'));
  const home = join(bin, 'home');
  mkdirSync(home);
  const kept = Object.entries(process.env).filter(([key]) => /^(SSL_|NODE_EXTRA_CA|LANG|TZ|SYSTEMROOT)/i.test(key));
  return { ...Object.fromEntries(kept), PATH: [bin, '/usr/bin', '/bin'].join(delimiter), HOME: home, CI: 'true' };
}

function finish([command, ...args], cwd, env) {
  return new Promise((done) => {
    const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: MAX_MS });
    const output = { stdout: '', stderr: '' };
    for (const stream of ['stdout', 'stderr'])
      child[stream].setEncoding('utf8').on('data', (text) => {
        output[stream] += text;
      });
    child.on('error', (error) => done({ code: 1, ...output, stderr: String(error) }));
    child.on('close', (code) => done({ code, ...output }));
  });
}

function startRedis() {
  const port = 20_000 + (process.pid % 20_000);
  if (ask('redis-server', ['--version']) === undefined) {
    counts.skipped += 1;
    console.log('skipped: Redis: redis-server is not on the PATH');
    return undefined;
  }
  const child = spawn('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--save', ''], { stdio: 'ignore' });
  return { url: `redis://127.0.0.1:${port}`, stop: () => child.kill() };
}
