import type { Frame } from '../../src/codec/engine/engine.js';
import { selectEngine } from '../../src/codec/engine/select.js';

const engine = selectEngine('portable');

/** A record of any payload, whose checksum is right. */
export function writeRecord(key: string, mode: number, number: number, payload: Uint8Array): Uint8Array {
  return engine.writeRecords([key], [{ mode, number, payload }])[0] as Uint8Array;
}

/** What is in a sound record. */
export function readRecord(key: string, record: Uint8Array): Frame {
  const [frame] = engine.readRecords([key], [record]);
  if (typeof frame !== 'object') throw new Error(`the record is refused: ${frame}`);
  return frame;
}
