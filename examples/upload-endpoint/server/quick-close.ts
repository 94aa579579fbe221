import type { Socket } from 'node:net';
import type { FastifyInstance } from 'fastify';

/** How long `close` waits for answers that are under way, in milliseconds. */
const PATIENCE = 5000;

/**
 * Makes `close` quick. Node waits for connections that no request came over yet, and clients open some ahead: they would hold it
 * up for a minute.
 */
export function closeQuickly(app: FastifyInstance): void {
  const unused = new Set<Socket>();
  app.server.on('connection', (socket: Socket) => {
    unused.add(socket);
    socket.once('close', () => unused.delete(socket));
  });
  app.server.on('request', ({ socket }) => unused.delete(socket));
  app.addHook('preClose', async () => {
    for (const socket of unused) socket.destroy();
    const timer = setTimeout(() => app.server.closeAllConnections(), PATIENCE);
    app.server.once('close', () => clearTimeout(timer));
  });
}
