import type { ServerResponse } from 'node:http';
import type { FastifyInstance } from 'fastify';
import type { Hello, Snapshot } from '../wire.js';
import type { Live } from './live.js';
import { Refusal } from './refusal.js';

/** Pages that may look at once. */
const MOST_LISTENERS = 50;
/** What may wait for a page that reads too slowly, in bytes: above it snapshots are left out. */
const MOST_WAITING = 64 * 1024;

/** GET /api/live: server-sent events, a hello and then a snapshot each second, which is the heartbeat as well. */
export function liveRoute(app: FastifyInstance, live: Live, about: Omit<Hello, 'points'>): void {
  const open = new Set<ServerResponse>();
  app.get('/api/live', async (_request, reply) => {
    if (open.size >= MOST_LISTENERS) throw new Refusal(503, 'too_many', 'too many pages are looking: try again later');
    reply.hijack();
    const stream = reply.raw;
    open.add(stream);
    const headers = {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      // Buffering proxies are asked to let each event through.
      'x-accel-buffering': 'no',
      // What ends with the server must not stay open for another request.
      connection: 'close',
    };
    stream.writeHead(200, headers);
    stream.write('retry: 1000\n\n');
    send(stream, 'hello', { ...about, points: live.points });
    const stop = live.listen((snapshot: Snapshot) => {
      if (stream.writableLength < MOST_WAITING) send(stream, 'snapshot', snapshot);
    });
    stream.on('error', () => {});
    stream.on('close', () => {
      stop();
      open.delete(stream);
    });
  });
  // A stream never ends by itself, and the server waits for what is open.
  app.addHook('preClose', async () => {
    for (const stream of open) stream.end();
  });
}

function send(stream: ServerResponse, event: string, data: unknown): void {
  stream.write(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
}
