import type { Point } from '../wire.js';
import { Chart } from './chart.js';
import { byId } from './dom.js';
import { milliseconds, percent } from './format.js';

/** As many as the server keeps. */
const POINTS = 300;

export class Charts {
  #points: Point[] = [];
  readonly #all = [
    new Chart({
      figure: byId('hit-rate-chart'),
      lines: [{ title: 'Last minute', colour: 'accent', fill: 'accent-soft', pick: ({ hitRate }) => hitRate }],
      format: percent,
      most: 1,
    }),
    new Chart({
      figure: byId('latency-chart'),
      lines: [
        { title: 'Median', colour: 'accent', pick: ({ p50 }) => p50 },
        { title: '95th percentile', colour: 'second', pick: ({ p95 }) => p95 },
      ],
      format: milliseconds,
    }),
  ];

  /** What there was before the page was opened. */
  begin(points: Point[]): void {
    this.#points = points;
    this.#show();
  }

  add(point: Point): void {
    // The first snapshot after a hello is the last of its points.
    if (this.#points.at(-1)?.at === point.at) return;
    this.#points = [...this.#points, point].slice(-POINTS);
    this.#show();
  }

  redraw(): void {
    for (const chart of this.#all) chart.redraw();
  }

  #show(): void {
    for (const chart of this.#all) chart.show(this.#points);
  }
}
