import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../src/testing/until.js';
import { DOCKER, findRedis } from './find-redis.js';

/** A Redis for tests. */
export interface RedisServer {
  url: string;
  /** Whether the server is this test's alone: it may be flushed, killed, paused and started again. */
  isPrivate: boolean;
  /** Ends the process at once, as a crash would, and waits until it is gone. */
  kill(): Promise<void>;
  /** Starts it again at the same address, empty, and waits until it answers. */
  restart(): Promise<void>;
  /** Freezes the process: the system accepts connections for it, and nothing answers. */
  pause(): void;
  resume(): void;
  /** Ends the server and removes its files. */
  stop(): Promise<void>;
}

/** An address of 127.0.0.1 that nothing listens on. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** A private server on an ephemeral port, ready to answer; or, where TEST_REDIS_URL is set, that one. */
export async function startRedis(options: { port?: number; args?: string[] } = {}): Promise<RedisServer> {
  const found = await findRedis();
  if (found === '') return shared(process.env.TEST_REDIS_URL as string);
  if (found === DOCKER) return container();
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await startProcess(found, options.port ?? (await freePort()), options.args ?? []);
    } catch (error) {
      // Another process may have taken the port in between.
      if (attempt === 3 || options.port !== undefined) throw error;
    }
  }
}

async function startProcess(path: string, port: number, args: string[]): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-redis-'));
  let child: ChildProcess;
  const start = async () => {
    child = spawn(
      path,
      ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder, ...args],
      { stdio: 'ignore' },
    );
    await until(`redis-server answers on port ${port}`, async () => {
      if (child.exitCode !== null) throw new Error(`redis-server ended with ${child.exitCode}: is port ${port} taken?`);
      return answersPing(port);
    });
  };
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    const exit = once(child, 'exit');
    child.kill('SIGKILL');
    await exit;
  };
  const killNow = () => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  };
  await start();
  process.on('exit', killNow);
  return {
    url: `redis://127.0.0.1:${port}`,
    isPrivate: true,
    kill,
    restart: start,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    stop: async () => {
      await kill();
      process.off('exit', killNow);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function answersPing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => socket.write('PING\r\n'));
    const end = (answer: boolean) => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('data', (data) => end(data.toString().startsWith('+PONG')));
    socket.once('error', () => end(false));
    socket.once('close', () => end(false));
    socket.setTimeout(1000, () => end(false));
  });
}

async function container(): Promise<RedisServer> {
  const { GenericContainer } = await import('testcontainers');
  const started = await new GenericContainer('redis:7').withExposedPorts(6379).start();
  const url = `redis://${started.getHost()}:${started.getMappedPort(6379)}`;
  return { ...shared(url), stop: async () => void (await started.stop()) };
}

function shared(url: string): RedisServer {
  const refuse = () => {
    throw new Error('this Redis is not the test process of this file: check isPrivate first');
  };
  return { url, isPrivate: false, kill: refuse, restart: refuse, pause: refuse, resume: refuse, stop: async () => {} };
}
