import type { FastifyReply, FastifyRequest } from 'fastify';

/** What is read and thrown away of a body that is refused, in bytes and milliseconds. Whoever sends more is cut off. */
const MOST_BYTES = 256 * 2 ** 20;
const MOST_TIME = 30_000;
/** Some clients neither send nor close once they are answered. */
const MOST_SILENCE = 2000;

/**
 * Throws away what is still to come of a body that was answered early. Closing the connection instead would reset it while the
 * client is sending, and the client would see the reset and not the answer.
 */
export function discardRest({ raw }: FastifyRequest, reply: FastifyReply): void {
  if (raw.complete) return;
  // Fastify means to close where it stops reading.
  reply.removeHeader('connection');
  const cutOff = () => raw.destroy();
  const limit = setTimeout(cutOff, MOST_TIME);
  const silence = setTimeout(cutOff, MOST_SILENCE);
  raw.once('close', () => {
    clearTimeout(limit);
    clearTimeout(silence);
  });
  let bytes = 0;
  raw.unpipe();
  raw.on('data', (chunk: Buffer) => {
    silence.refresh();
    bytes += chunk.length;
    if (bytes > MOST_BYTES) cutOff();
  });
  raw.resume();
}
