import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Consumer } from './consumer.js';
import { freePort } from './redis-server.js';

const PROGRAM = `
  import { PGlite } from '@electric-sql/pglite';
  import { vector } from '@electric-sql/pglite-pgvector';
  import { PGLiteSocketServer } from '@electric-sql/pglite-socket';

  const db = await PGlite.create({ extensions: { vector } });
  await db.exec('CREATE EXTENSION vector; CREATE TABLE items (content text, embedding vector(768));');
  await new PGLiteSocketServer({ db, port: Number(process.argv[2]), host: '127.0.0.1' }).start();
  console.log('listening');
`;

/** PGlite with pgvector and a table `items`, over Postgres's own protocol, of what a consumer has installed. */
export async function startPostgres(consumer: Consumer): Promise<{ env: NodeJS.ProcessEnv; stop(): void }> {
  consumer.write({ 'postgres.mjs': PROGRAM });
  const port = await freePort();
  const child = spawn(process.execPath, ['postgres.mjs', String(port)], {
    cwd: consumer.folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await Promise.race([
    once(createInterface({ input: child.stdout }), 'line'),
    once(child, 'exit').then(() => Promise.reject(new Error('PGlite did not start'))),
  ]);
  return {
    env: { DATABASE_URL: `postgres://postgres:postgres@127.0.0.1:${port}/postgres` },
    stop: () => child.kill(),
  };
}
