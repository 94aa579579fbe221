import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import { Server as NetServer, type Socket } from 'node:net';

/** A request that is not answered to its end. */
interface Open {
  response: ServerResponse;
  onGone: (isSent: boolean) => void;
}

/**
 * The connections of a server, by what is under way on each. Node's own `close` ends those whose
 * answer was handed over and not yet sent.
 */
export class Connections {
  readonly #server: Server;
  readonly #open = new Map<Socket, Set<Open>>();
  #isEnding = false;

  constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket: Socket) => {
      const open = new Set<Open>();
      this.#open.set(socket, open);
      socket.on('close', () => {
        this.#open.delete(socket);
        // A response that waits for the one before it is told nothing by Node.
        for (const { onGone } of open) onGone(false);
      });
    });
  }

  /** @param onGone is called once, when the answer is sent or its caller has gone */
  add({ socket }: IncomingMessage, response: ServerResponse, onGone: (isSent: boolean) => void): void {
    const open = this.#open.get(socket);
    const entry = {
      response,
      onGone: (isSent: boolean) => {
        if (isOver) return;
        isOver = true;
        onGone(isSent);
      },
    };
    let isOver = false;
    let isSent = false;
    open?.add(entry);
    if (this.#isEnding) response.setHeader('connection', 'close');
    // Node says so too of what a connection that ended never sent.
    response.on('finish', () => {
      isSent = !socket.destroyed;
    });
    response.on('close', () => {
      open?.delete(entry);
      entry.onGone(isSent);
      if (this.#isEnding && open?.size === 0) socket.end();
    });
  }

  /**
   * Takes no more connections, and ends each when what is under way on it is sent. `close` of the
   * server says when all have ended.
   */
  end(): void {
    this.#isEnding = true;
    NetServer.prototype.close.call(this.#server);
    for (const [socket, open] of this.#open) {
      for (const { response } of open) if (!response.headersSent) response.setHeader('connection', 'close');
      if (open.size === 0) socket.end();
    }
  }
}
