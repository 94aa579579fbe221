import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../../src/testing/until.js';
import { freePort } from '../support/redis-server.js';

/** A Prometheus or an Alertmanager of this test alone. */
export interface DeployedServer {
  url: string;
  /** Ends it and removes its files. */
  stop(): Promise<void>;
}

/**
 * Starts a server that answers `/-/ready`, in a folder of its own and at a port of its own.
 *
 * @param files by name, what is in the folder when it starts
 * @param args of the folder and the port
 */
export async function startServer(
  program: string,
  files: Record<string, string>,
  args: (folder: string, port: number) => string[],
): Promise<DeployedServer> {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-deploy-'));
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  // Files are named relative to the folder.
  const child = spawn(program, args(folder, port), { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let output = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  const stop = async () => {
    await end(child);
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await until(`${program} answers`, async () => {
      if (child.exitCode !== null) throw new Error(`${program} ended with ${child.exitCode}:\n${output}`);
      return fetch(`${url}/-/ready`).then(
        (response) => response.ok,
        () => false,
      );
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return { url, stop };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, 'exit');
  child.kill('SIGKILL');
  await exit;
}
