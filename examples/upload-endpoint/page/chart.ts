import uPlot from 'uplot';
import type { Point } from '../wire.js';
import { make, setText } from './dom.js';
import { clock } from './format.js';

const HEIGHT = 190;
/** Seconds that the time axis shows at least. */
const LEAST_SPAN = 60;
/** Rows of the table that stands in for the picture, and the seconds between them. */
const ROWS = 10;
const ROW_SECONDS = 10;

export interface Line {
  title: string;
  /** A colour of style.css. */
  colour: string;
  /** A colour for what is under it. @default none */
  fill?: string;
  pick(point: Point): number | null;
}

export interface ChartOptions {
  figure: HTMLElement;
  lines: Line[];
  format(value: number | null): string;
  /** The top of the value axis. @default what the values need */
  most?: number;
}

/** A line chart with its legend, which tells the values, and a table for who cannot see it. */
export class Chart {
  readonly #options: ChartOptions;
  readonly #plot: uPlot;
  readonly #values: HTMLElement[];
  readonly #caption = make('figcaption', { className: 'legend' });
  readonly #table = make('table');
  readonly #details = make('details', {}, make('summary', {}, 'As a table'));
  #points: readonly Point[] = [];

  constructor(options: ChartOptions) {
    this.#options = options;
    const { figure, lines } = options;
    const place = make('div', { className: 'plot' });
    place.setAttribute('aria-hidden', 'true');
    this.#values = lines.map(() => make('strong'));
    lines.forEach(({ title, colour }, i) => {
      const swatch = make('span', { className: 'swatch' });
      swatch.dataset.colour = colour;
      this.#caption.append(make('span', {}, swatch, `${title} `, this.#values[i] as HTMLElement));
    });
    this.#details.append(this.#table);
    this.#details.addEventListener('toggle', () => this.#fillTable());
    figure.append(place, this.#caption, this.#details);
    this.#plot = new uPlot(this.#plotOptions(place.clientWidth), [[]], place);
    new ResizeObserver(() => this.#plot.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
  }

  show(points: readonly Point[]): void {
    this.#points = points;
    const { lines } = this.#options;
    this.#plot.setData([points.map(({ at }) => at / 1000), ...lines.map(({ pick }) => points.map(pick))]);
    this.#tell();
    // What nobody looks at need not be made.
    if (this.#details.open && Math.floor((points.at(-1)?.at ?? 0) / 1000) % ROW_SECONDS === 0) this.#fillTable();
  }

  /** After the colours changed. */
  redraw(): void {
    this.#plot.redraw(false, true);
  }

  /** The values under the pointer, or the last ones. */
  #tell(): void {
    const { lines, format } = this.#options;
    const point = this.#points[this.#plot.cursor.idx ?? this.#points.length - 1];
    lines.forEach(({ pick }, i) => {
      setText(this.#values[i] as HTMLElement, format(point ? pick(point) : null));
    });
  }

  #fillTable(): void {
    if (!this.#details.open) return;
    const { lines, format } = this.#options;
    const rows = this.#points.filter((_, i) => (this.#points.length - 1 - i) % ROW_SECONDS === 0).slice(-ROWS);
    const head = ['Time', ...lines.map(({ title }) => title)].map((title) => make('th', { scope: 'col' }, title));
    const body = rows.map((point) =>
      make(
        'tr',
        {},
        ...[clock(point.at), ...lines.map(({ pick }) => format(pick(point)))].map((cell) => make('td', {}, cell)),
      ),
    );
    this.#table.replaceChildren(make('thead', {}, make('tr', {}, ...head)), make('tbody', {}, ...body.reverse()));
  }

  #plotOptions(width: number): uPlot.Options {
    const { lines, format, most } = this.#options;
    const axis = {
      stroke: () => colourOf('muted'),
      grid: { stroke: () => colourOf('line'), width: 1 },
      ticks: { show: false },
      font: '12px system-ui, sans-serif',
    };
    return {
      width,
      height: HEIGHT,
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
      scales: {
        x: { range: (_, min, max) => [Math.min(min, max - LEAST_SPAN), max] },
        y: { range: (_, __, max) => [0, most ?? Math.max(1, max * 1.15)] },
      },
      axes: [
        { ...axis, space: 70, size: 30, values: (_, times) => times.map((time) => clock(time * 1000)) },
        { ...axis, size: 58, values: (_, values) => values.map(format) },
      ],
      series: [
        {},
        ...lines.map(({ colour, fill }) => ({
          stroke: () => colourOf(colour),
          ...(fill && { fill: () => colourOf(fill) }),
          width: 2,
          points: { show: false },
        })),
      ],
      hooks: { setCursor: [() => this.#tell()] },
    };
  }
}

const probe = make('span');

/** A colour of style.css as a canvas takes it: the custom property itself still holds both themes' values. */
function colourOf(name: string): string {
  if (!probe.isConnected) document.body.append(probe);
  probe.style.color = `var(--${name})`;
  return getComputedStyle(probe).color;
}
