import { draw, make } from './dom.js';
import { clock } from './format.js';

const WIDTH = 600;
const HEIGHT = 150;

export interface Line {
  title: string;
  /** null is a gap. */
  values: (number | null)[];
}

export interface ChartData {
  times: number[];
  /** The first is drawn in the accent's colour, a second one in another. */
  lines: Line[];
  /** The top of the axis. */
  top: number;
  format(value: number | null): string;
}

/**
 * Lines over time, drawn anew with each reading. The legend tells the last values, or those under
 * the pointer.
 */
export class Chart {
  readonly #picture = draw('svg', {
    class: 'lines',
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    preserveAspectRatio: 'none',
    role: 'img',
  });
  readonly #y = make('div', 'axis y');
  readonly #x = make('div', 'axis x');
  readonly #legend = make('figcaption', 'legend');
  #data: ChartData | undefined;
  #at: number | undefined;

  constructor(place: HTMLElement) {
    place.append(make('div', 'plot', this.#y, this.#picture, this.#x), this.#legend);
    this.#picture.addEventListener('pointermove', (event) => {
      const { left, width } = this.#picture.getBoundingClientRect();
      this.#at = (event.clientX - left) / width;
      this.#describe();
    });
    this.#picture.addEventListener('pointerleave', () => {
      this.#at = undefined;
      this.#describe();
    });
  }

  show(data: ChartData): void {
    this.#data = data;
    const { times, lines, top, format } = data;
    const grid = [0, HEIGHT / 2, HEIGHT].map((y) => draw('line', { x1: 0, x2: WIDTH, y1: y, y2: y }));
    const paths = lines.flatMap(({ values }, i) => {
      const path = pathOf(values, top);
      const line = draw('path', { d: path.line, class: i ? 'second' : 'first' });
      return lines.length > 1 ? [line] : [draw('path', { d: path.area, class: 'area' }), line];
    });
    this.#picture.replaceChildren(...grid, ...paths);
    this.#y.replaceChildren(...[top, top / 2, 0].map((value) => make('span', '', format(value))));
    const ends = [times[0], times[times.length >> 1], times.at(-1)] as number[];
    this.#x.replaceChildren(...ends.map((at) => make('span', '', clock(at).slice(0, 5))));
    this.#describe();
  }

  #describe(): void {
    if (this.#data === undefined) return;
    const { times, lines, format } = this.#data;
    const pointed = this.#at === undefined ? undefined : Math.round(this.#at * (times.length - 1));
    const shown = lines.map(({ title, values }) => {
      const last = values.findLastIndex((value) => value !== null);
      return { title, value: format(values[pointed ?? last] ?? null) };
    });
    const items = shown.map(({ title, value }, i) => {
      const swatch = make('span', i ? 'swatch second' : 'swatch accent');
      return make('div', '', swatch, `${title} `, make('strong', '', value));
    });
    if (pointed !== undefined) items.push(make('div', '', `at ${clock(times[pointed] as number)}`));
    this.#legend.replaceChildren(...items);
    this.#picture.setAttribute('aria-label', shown.map(({ title, value }) => `${title}: ${value}`).join(', '));
  }
}

/** A line with gaps, and what is under it. A lone value is a short stroke. */
function pathOf(values: (number | null)[], top: number): { line: string; area: string } {
  const xOf = (i: number) => (i / (values.length - 1)) * WIDTH;
  const yOf = (value: number) => HEIGHT * (1 - Math.min(1, value / top));
  let line = '';
  let area = '';
  let from = -1;
  values.forEach((value, i) => {
    if (value === null) return;
    const isFirst = i === 0 || values[i - 1] === null;
    if (isFirst) from = i;
    const point = `${xOf(i).toFixed(1)} ${yOf(value).toFixed(1)}`;
    line += `${isFirst ? 'M' : 'L'}${point}`;
    area += `${isFirst ? `M${xOf(i).toFixed(1)} ${HEIGHT}L` : 'L'}${point}`;
    const isLast = values[i + 1] == null;
    if (isLast && from === i) line += i > 0 ? 'h-3' : 'h3';
    if (isLast) area += `V${HEIGHT}Z`;
  });
  return { line, area };
}
