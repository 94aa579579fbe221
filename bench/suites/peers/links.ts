import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** A network between client and server. */
export interface Link {
  id: string;
  name: string;
  /** Bits a second, of the replies. */
  rate: number;
  /** Milliseconds a round trip is longer. */
  delay: number;
  /** Rounds of a measurement, in the long form. */
  rounds: number;
}

export const LINKS: Link[] = [
  { id: 'fast', name: '5 Gbit/s', rate: 5e9, delay: 0, rounds: 15 },
  { id: 'near', name: '1 Gbit/s, 1 ms', rate: 1e9, delay: 1, rounds: 12 },
  { id: 'far', name: '100 Mbit/s, 20 ms', rate: 100e6, delay: 20, rounds: 4 },
];

/** The proxy of a link in front of a server. */
export async function openLink({ rate, delay }: Link, url: string): Promise<{ url: string; stop(): Promise<void> }> {
  const script = fileURLToPath(new URL('link-process.ts', import.meta.url));
  const args = ['--import', 'tsx', script, new URL(url).port, String(rate / 8), String(delay)];
  const child = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const exit = once(child, 'exit');
  for await (const line of createInterface(child.stdout)) {
    const stop = async () => {
      child.stdin.end();
      await exit;
    };
    return { url: line, stop };
  }
  throw new Error('the proxy of a slow link ended before it listened');
}
