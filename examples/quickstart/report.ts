import Table from 'cli-table3';
import pc from 'picocolors';
import type { Neighbour } from './neighbours.js';
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
    head: ['', 'texts', 'from cache', 'from model', 'time', '', 'exact'],
    colAligns: ['left', 'right', 'right', 'right', 'right', 'right', 'left'],
    style,
  });
  const cold = steps[0]?.outcome.milliseconds ?? 0;
  steps.forEach(({ title, outcome, exact }, i) => {
    const { inputs, hits, modelTexts, milliseconds } = outcome;
    const speedUp = cold / milliseconds;
    table.push([
      title,
      number.format(inputs),
      number.format(hits),
      modelTexts === 0 ? pc.green('0') : number.format(modelTexts),
      `${milliseconds.toFixed(1)} ms`,
      i === 0 ? '' : pc.dim(`${speedUp >= 10 ? speedUp.toFixed(0) : speedUp.toFixed(1)}x`),
      exact ? pc.green('yes') : pc.red('NO'),
    ]);
  });
  return table.toString();
}

/** What the vectors take in the cache, beside plain float32s. */
export function bytesLine(vectors: number, dimensions: number, bytes: number): string {
  const raw = 4 * dimensions;
  const each = Math.round(bytes / vectors);
  const less = (100 * (1 - each / raw)).toFixed(0);
  return pc.dim(
    `A cached vector takes ${number.format(each)} bytes, ${less} % less than its ${number.format(raw)} bytes of float32.\n`,
  );
}

/** The texts that are nearest to a question, and what the question took: asked of the model, and found in the cache. */
export function neighboursList(question: string, neighbours: Neighbour[], cold: Outcome, warm: Outcome): string {
  const took = `model ${cold.milliseconds.toFixed(1)} ms, asked again ${warm.milliseconds.toFixed(1)} ms`;
  const rows = neighbours.map(({ text, similarity }) => `  ${similarity.toFixed(2)}  ${text}`);
  return [`Nearest to ${pc.bold(`"${question}"`)} ${pc.dim(`(${took})`)}`, ...rows, ''].join('\n');
}
