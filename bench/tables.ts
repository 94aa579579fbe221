import Table from 'cli-table3';

/** What a cell holds; absent where there is nothing to say. */
export type Cell = string | number | undefined;

/** One column: where its cells are found in a row, what stands above them, and how their numbers are written. */
export interface Column {
  key: string;
  head: string;
  /** Digits behind the point; or 'power', for numbers of any size; as they are by default. */
  digits?: number | 'power';
}

/** Figures of a suite, as they are written to JSON, printed, and put into docs. */
export interface FigureTable {
  /** By this the docs and the plots find it. */
  id: string;
  title: string;
  columns: Column[];
  rows: Record<string, Cell>[];
  /** What could not be measured here, a line each, and why. */
  skipped?: string[];
}

/** A cell as text. */
export function cellText(cell: Cell, { digits }: Column): string {
  if (cell === undefined) return '';
  if (typeof cell === 'string' || digits === undefined) return String(cell);
  if (digits === 'power') return cell === 0 ? '0' : cell.toExponential(2);
  return cell.toFixed(digits);
}

/** The table for a terminal. */
export function terminalTable({ title, columns, rows, skipped = [] }: FigureTable): string {
  const table = new Table({
    head: columns.map(({ head }) => head),
    colAligns: columns.map((column) => (isNumeric(column, rows) ? 'right' : 'left')),
    style: { head: [], border: [], compact: true },
  });
  for (const row of rows) table.push(columns.map((column) => cellText(row[column.key], column)));
  return [`\n${title}`, ...(rows.length > 0 ? [table.toString()] : []), ...skipped].join('\n');
}

/** The table for a Markdown page. */
export function markdownTable({ columns, rows, skipped = [] }: FigureTable): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`;
  const table = [
    line(columns.map(({ head }) => head)),
    `|${columns.map((column) => (isNumeric(column, rows) ? '---:' : '---')).join('|')}|`,
    ...rows.map((row) => line(columns.map((column) => cellText(row[column.key], column)))),
  ];
  return [...(rows.length > 0 ? [table.join('\n')] : []), ...skipped].join('\n\n');
}

function isNumeric({ key }: Column, rows: FigureTable['rows']): boolean {
  return rows.every((row) => typeof row[key] !== 'string');
}
