import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort, type RedisServer, startRedis } from './redis-server.js';

/** A server that also listens by TLS, with a certificate that nobody trusts. */
export interface TlsServer {
  server: RedisServer;
  /** `rediss://`, at the port that has TLS. */
  url: string;
  stop(): Promise<void>;
}

/** Undefined where openssl makes no certificate here, or the server was built without TLS. */
export async function startTls(): Promise<TlsServer | undefined> {
  const folder = mkdtempSync(join(tmpdir(), 'vecstash-tls-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const request = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  const removeFolder = () => rmSync(folder, { recursive: true, force: true });
  try {
    execFileSync('openssl', [...request, '-subj', '/CN=localhost', '-keyout', key, '-out', cert], { stdio: 'ignore' });
    const port = await freePort();
    const files = ['--tls-cert-file', cert, '--tls-key-file', key, '--tls-ca-cert-file', cert];
    const server = await startRedis({ args: ['--tls-port', String(port), '--tls-auth-clients', 'no', ...files] });
    return {
      server,
      url: `rediss://localhost:${port}`,
      async stop() {
        await server.stop();
        removeFolder();
      },
    };
  } catch {
    removeFolder();
    return undefined;
  }
}
