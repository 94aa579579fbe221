import { ranges } from '../async/chunks.js';
import type { RecordSpans } from '../record-spans.js';
import { yieldThread } from '../runtime.js';
import { reasonOf } from './batch.js';
import type { Engine, VectorForm } from './engine/engine.js';
import { type CorruptReason, STATUSES } from './engine/status.js';
import { BLOCK_BYTES, type LentMemory, newMemory } from './lent-memory.js';

/** Is told of each record that was there and refused: its place, and what was wrong. */
export type OnRefused = (index: number, reason: CorruptReason) => void;

/**
 * One call of an engine's `decodeVectors`, whose answer the generators below wait for: at once, or
 * later.
 */
type Batch = Parameters<Engine['decodeVectors']>;
type Decoding<T> = Generator<Batch, T, Uint8Array>;

const OK = STATUSES.indexOf('ok');

/** Runs a decoding to its end, here and now. */
export function decodeNow<T>(engine: Engine, decoding: Decoding<T>): T {
  let step = decoding.next();
  while (!step.done) step = decoding.next(engine.decodeVectors(...step.value));
  return step.value;
}

/**
 * The same on another thread where the engine has one, and in slices between which others have this
 * one.
 */
export async function decodeLater<T>(engine: Engine, decoding: Decoding<T>): Promise<T> {
  let step = decoding.next();
  while (!step.done) {
    if (engine.decodeVectorsLater) {
      step = decoding.next(await engine.decodeVectorsLater(...step.value));
    } else {
      await yieldThread();
      step = decoding.next(engine.decodeVectors(...step.value));
    }
  }
  return step.value;
}

/**
 * Decodes the records that are there into small blocks: in each place a vector, or nothing where
 * there is none that is sound.
 */
export function* vectorsOf(
  keys: readonly string[],
  records: RecordSpans,
  form: VectorForm,
  rowsPerSlice: number,
  onRefused?: OnRefused,
  memory?: LentMemory,
): Decoding<(Float32Array | undefined)[]> {
  const { dimensions } = form;
  const present = indicesOfPresent(records);
  const all = present.length === records.length;
  const presentKeys = all ? keys : present.map((i) => keys[i] as string);
  const presentRecords = all ? records : records.pick(present);
  const rowsPerBlock = Math.max(1, Math.floor(BLOCK_BYTES / (4 * dimensions)));
  const decoded = new Array<Float32Array | undefined>(records.length).fill(undefined);
  for (const [start, end] of ranges(present.length, rowsPerSlice)) {
    const blocks = smallBlocks(end - start, rowsPerBlock, dimensions, memory);
    const statuses = yield [
      start === 0 && end === present.length ? presentKeys : presentKeys.slice(start, end),
      presentRecords.slice(start, end),
      form,
      blocks,
      rowsPerBlock,
    ];
    for (const [index, { buffer }] of blocks.entries()) {
      const firstRow = index * rowsPerBlock;
      const rows = Math.min(rowsPerBlock, end - start - firstRow);
      for (let row = 0; row < rows; row++) {
        const place = present[start + firstRow + row] as number;
        const status = statuses[firstRow + row] as number;
        // subarray() takes twice as long as a view does.
        if (status === OK) decoded[place] = new Float32Array(buffer, 4 * row * dimensions, dimensions);
        else onRefused?.(place, reasonOf(STATUSES[status]));
      }
    }
  }
  return decoded;
}

/** The same into one block; rows without a sound record are 0. */
export function* matrixOf(
  keys: readonly string[],
  records: RecordSpans,
  form: VectorForm,
  rowsPerSlice: number,
  onRefused: OnRefused | undefined,
): Decoding<{ data: Float32Array; found: Uint8Array }> {
  const { dimensions } = form;
  const data = new Float32Array(records.length * dimensions);
  const found = new Uint8Array(records.length);
  for (const [start, end] of ranges(records.length, rowsPerSlice)) {
    const rows = data.subarray(start * dimensions, end * dimensions);
    const statuses = yield [keys.slice(start, end), records.slice(start, end), form, [rows], end - start];
    for (let row = 0; row < end - start; row++) {
      if (statuses[row] === OK) {
        found[start + row] = 1;
        continue;
      }
      rows.fill(0, row * dimensions, (row + 1) * dimensions);
      if (records.has(start + row)) onRefused?.(start + row, reasonOf(STATUSES[statuses[row] as number]));
    }
  }
  return { data, found };
}

/** The places that have a record. */
function indicesOfPresent(records: RecordSpans): number[] {
  const present: number[] = [];
  for (let i = 0; i < records.length; i++) if (records.has(i)) present.push(i);
  return present;
}

/** Blocks for `rows` rows, not zeroed: only rows that were decoded are ever handed out. */
function smallBlocks(
  rows: number,
  rowsPerBlock: number,
  dimensions: number,
  memory: LentMemory | undefined,
): Float32Array[] {
  const blocks: Float32Array[] = [];
  for (const [start, end] of ranges(rows, rowsPerBlock)) {
    const elements = (end - start) * dimensions;
    blocks.push(new Float32Array(memory?.take(4 * elements) ?? newMemory(4 * elements), 0, elements));
  }
  return blocks;
}
