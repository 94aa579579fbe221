import type { Reply, ReplyReader } from '../../src/backends/redis/single/resp.js';

/** What a server sends for a reply. */
export function bytesOfReply(reply: Reply): Buffer {
  if (typeof reply === 'string') return Buffer.from(`+${reply}\r\n`);
  if (reply instanceof Error) return Buffer.from(`-${reply.message}\r\n`);
  const strings = reply
    .toArray()
    .map((bytes) =>
      bytes === undefined
        ? Buffer.from('$-1\r\n')
        : Buffer.concat([Buffer.from(`$${bytes.length}\r\n`), bytes, Buffer.from('\r\n')]),
    );
  return Buffer.concat([Buffer.from(`*${reply.length}\r\n`), ...strings]);
}

/**
 * Hands a stream to a reader in pieces, as a socket would; `sizes` are gone through again and
 * again. Without them each piece is as large as the room for it.
 */
export function feed(reader: ReplyReader, stream: Buffer, sizes: readonly number[] = []): void {
  for (let at = 0, i = 0; at < stream.length; i++) {
    const room = reader.room();
    if (room.length === 0) throw new Error('a reader has to have room');
    const count = Math.min(room.length, sizes[i % sizes.length] ?? room.length, stream.length - at);
    room.set(stream.subarray(at, at + count));
    reader.wrote(count);
    at += count;
  }
}
