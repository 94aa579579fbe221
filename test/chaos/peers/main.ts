// node --import tsx test/chaos/peers/main.ts [--peers FOLDER] [--json FILE]: other caches through the same faults.
// FOLDER is where `npm install bentocache ioredis keyv @keyv/redis` was run, outside this repository.
import { writeFileSync } from 'node:fs';
import Table from 'cli-table3';
import { Command } from 'commander';
import { PEER_FAULTS, type PeerFigures } from './faults.js';
import { findPeers } from './peers.js';

const flags = new Command('peers')
  .option('--peers <folder>', 'where the other caches are installed')
  .option('--json <file>', 'write the figures to this file')
  .parse()
  .opts<{ peers?: string; json?: string }>();

// What a client that lost its connection throws beside its calls is counted like a rejection by nobody: it is shown.
process.on('unhandledRejection', (error) => console.log(`unhandled rejection: ${String(error).slice(0, 100)}`));

const rows: ({ fault: string; peer: string } & PeerFigures)[] = [];
const table = new Table({
  head: ['fault', 'cache', 'vectors', 'wrong', 'rejected', 'hung', 'paid', 'slowest ms'],
  style: { head: [], border: [], compact: true },
});
for (const [fault, play] of Object.entries(PEER_FAULTS)) {
  for (const kind of await findPeers(flags.peers)) {
    const figures = await play(kind);
    console.log(`${fault}: ${kind.name}`, JSON.stringify(figures));
    rows.push({ fault, peer: kind.name, ...figures });
    const { vectors, wrong, rejected, hung, paid, slowestMs } = figures;
    table.push([fault, kind.name, vectors, wrong, rejected, hung, paid, slowestMs.toFixed(0)]);
  }
}
console.log(table.toString());
if (flags.json !== undefined) writeFileSync(flags.json, `${JSON.stringify(rows, null, 2)}\n`);
process.exit(0);
