declare module 'dynalite' {
  import type { Server } from 'node:http';

  /** A server that speaks DynamoDB's protocol, with its tables in memory. Times are in milliseconds. */
  export default function dynalite(options?: { createTableMs?: number; updateTableMs?: number }): Server;
}
