import Table from 'cli-table3';
import pc from 'picocolors';
import type { Outcome } from './run.js';

/** One line of the story. */
export interface Step {
  title: string;
  outcome: Outcome;
  /** Whether every vector was the expected one, to the bit. */
  exact: boolean;
}

const number = new Intl.NumberFormat('en');
const style = { head: pc.isColorSupported ? ['bold'] : [], border: pc.isColorSupported ? ['dim'] : [], compact: true };

/** The steps as a table; the first one is what the others are compared with. */
export function stepsTable(steps: Step[]): string {
  const table = new Table({
    head: ['', 'texts', 'from cache', 'from model', 'calls', 'time', '', 'bit for bit'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'right', 'left'],
    style,
  });
  const cold = steps[0]?.outcome.milliseconds ?? 0;
  steps.forEach(({ title, outcome, exact }, i) => {
    const { inputs, hits, modelTexts, modelCalls, milliseconds } = outcome;
    const speedUp = cold / milliseconds;
    table.push([
      title,
      number.format(inputs),
      number.format(hits),
      modelTexts === 0 ? pc.green('0') : number.format(modelTexts),
      modelCalls === 0 ? pc.green('0') : number.format(modelCalls),
      `${milliseconds.toFixed(1)} ms`,
      i === 0 ? '' : pc.dim(`${speedUp >= 10 ? speedUp.toFixed(0) : speedUp.toFixed(1)}x`),
      exact ? pc.green('yes') : pc.red('NO'),
    ]);
  });
  return table.toString();
}

/** What the vectors take as records, beside the usual ways. */
export function bytesTable(vectors: number, rows: [string, number][]): string {
  const table = new Table({
    head: [`${number.format(vectors)} vectors, in bytes`, 'together', 'each', 'to vecstash'],
    colAligns: ['left', 'right', 'right', 'right'],
    style,
  });
  const own = rows[0]?.[1] ?? 1;
  for (const [title, bytes] of rows) {
    table.push([
      title,
      number.format(bytes),
      number.format(Math.round(bytes / vectors)),
      `${(bytes / own).toFixed(2)}x`,
    ]);
  }
  return table.toString();
}
