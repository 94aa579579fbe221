import type { Measurement } from './interleave.js';
import type { FigureTable } from './tables.js';

/** How a suite is run. */
export interface SuiteSettings {
  /** A form for CI: fewer rounds. */
  short: boolean;
  /** Only contenders whose name holds this; for profiles. */
  only?: string;
}

/** What a suite found. */
export interface SuiteResult {
  suite: string;
  about: string;
  measurements: Measurement[];
  /** Named quotients of times or sizes within this one run, each the better the larger: what the gate holds. */
  ratios: Record<string, number>;
  /** What is not a time. */
  tables?: FigureTable[];
}

/** A suite by its name on the command line. */
export type Suite = (settings: SuiteSettings) => Promise<SuiteResult>;
