import type { FigureTable } from '../tables.js';
import { ACCELERATOR_CACHES, MODELS } from './accelerator.js';
import { GREY, INK, OTHER, OWN, picture } from './look.js';

/** Pixels of a row. */
const ROW = 21;
const LEFT = 208;
const RIGHT = 66;
const TOP = 70;

/** One mark: a row's name, its figure, and the series that colour and shape tell. */
interface Mark {
  name: string;
  value: number;
  series: string;
  label?: string;
}

/** The series of a picture that tells whose a figure is: this package's, another's, the bare answer's. */
const KINDS = ['own', 'other', 'floor'];
const SERIES_COLOURS = [OWN, OTHER, GREY];
const SERIES_SHAPES = ['circle', 'diamond', 'square'];

/** A row for each name with points on a logarithmic axis, so that a distance is a quotient. */
function dots(title: string, subtitle: string[], axis: string, marks: Mark[], legend?: string[]): object {
  const series = legend ?? KINDS;
  const colour = { field: 'series', type: 'nominal', scale: { domain: series, range: SERIES_COLOURS }, legend: null };
  const x = {
    field: 'value',
    type: 'quantitative',
    title: axis,
    scale: { type: 'log', domain: domainOf(marks) },
    axis: { values: ticksOf(marks), format: ',~g', domain: false },
  };
  const shape = { field: 'series', type: 'nominal', scale: { domain: series, range: SERIES_SHAPES }, legend: null };
  const layer = [
    {
      data: { values: marks },
      mark: { type: 'point', filled: true, opacity: 1, size: 70 },
      encoding: { x, y: rows(marks), color: colour, shape },
    },
    labels(marks, x, colour),
    ...(legend ? key(legend, colour, shape) : []),
  ];
  return picture(title, subtitle, layer, frameOf(marks, legend ? 24 : 0));
}

/** A row for each name with a bar from 0. */
function bars(title: string, subtitle: string[], axis: string, marks: Mark[]): object {
  const color = { field: 'series', type: 'nominal', scale: { domain: KINDS, range: SERIES_COLOURS }, legend: null };
  const x = { field: 'value', type: 'quantitative', title: axis, axis: { tickCount: 5, format: '~s', domain: false } };
  const bar = { data: { values: marks }, mark: { type: 'bar', height: 12 }, encoding: { x, y: rows(marks), color } };
  return picture(title, subtitle, [bar, labels(marks, x, color)], frameOf(marks));
}

function rows(marks: Mark[]): object {
  const names = [...new Set(marks.map(({ name }) => name))];
  const axis = { title: null, grid: true, domain: false, ticks: false, labelLimit: 2 * LEFT, labelPadding: 8 };
  return { field: 'name', type: 'nominal', sort: names, axis };
}

function labels(marks: Mark[], x: object, color: object): object {
  return {
    data: { values: marks.filter(({ label }) => label !== undefined) },
    mark: { type: 'text', align: 'left', baseline: 'middle', dx: 8, fontSize: 11 },
    encoding: { x, y: rows(marks), color, text: { field: 'label' } },
  };
}

/** What colours and shapes mean, in a line above the rows. */
function key(series: string[], color: object, shape: object): object[] {
  const values = series.map((name, i) => ({ series: name, left: i * 150 }));
  const place = { x: { field: 'left', type: 'quantitative', scale: null, axis: null }, y: { value: -12 } };
  return [
    {
      data: { values },
      mark: { type: 'point', filled: true, opacity: 1, size: 70 },
      encoding: { ...place, color, shape },
    },
    {
      data: { values },
      mark: { type: 'text', align: 'left', baseline: 'middle', dx: 9, fontSize: 12, color: INK },
      encoding: { ...place, text: { field: 'series' } },
    },
  ];
}

function domainOf(marks: Mark[]): [number, number] {
  const values = marks.map(({ value }) => value);
  return [Math.min(...values) / 1.3, Math.max(...values) * 1.3];
}

/** 1, 2 and 5 times the powers of ten; the powers alone where there are many. */
function ticksOf(marks: Mark[]): number[] {
  const [least, most] = domainOf(marks);
  const steps = most / least > 500 ? [1] : [1, 2, 5];
  const powers = Array.from({ length: 12 }, (_, i) => 10 ** (i - 3));
  return powers.flatMap((power) => steps.map((step) => step * power)).filter((tick) => tick >= least && tick <= most);
}

function frameOf(marks: Mark[], more = 0) {
  const count = new Set(marks.map(({ name }) => name)).size;
  return { width: 430, height: ROW * count, padding: { left: LEFT, right: RIGHT, top: TOP + more, bottom: 44 } };
}

function seriesOf(name: string): string {
  if (name.startsWith('vecstash')) return 'own';
  return name.startsWith('bare') ? 'floor' : 'other';
}

/** The pictures of docs/comparison.md by the names of their files, from the tables of the suite `peers`. */
export function comparisonPictures(lookups: FigureTable, links: FigureTable): Record<string, object> {
  const figures = (key: string): Mark[] =>
    lookups.rows
      .flatMap((row) => {
        const value = row[key];
        const name = String(row.name);
        return typeof value === 'number' ? [{ name, value, series: seriesOf(name), label: short(value) }] : [];
      })
      .sort((a, b) => a.value - b.value);
  const linkMarks = links.columns
    .slice(1)
    .flatMap(({ key, head }) =>
      links.rows.map((row): Mark => ({ name: String(row.name), value: Number(row[key]), series: head })),
    );
  const far = links.columns.at(-1)?.head;
  const order = linkMarks.filter(({ series }) => series === far).sort((a, b) => a.value - b.value);
  const place = ({ name }: Mark) => order.findIndex((mark) => mark.name === name);
  const ordered = linkMarks.sort((a, b) => place(a) - place(b));
  return {
    'time.svg': dots(
      'A warm lookup of 1000 texts',
      ['1000 vectors of 768 float32s from a loopback Redis, milliseconds, logarithmic.'],
      'ms',
      figures('warm'),
    ),
    'bytes.svg': bars(
      'What a vector takes in Redis',
      ['768 float32s are 3072 bytes. With key and overhead.'],
      'bytes',
      figures('bytes'),
    ),
    'links.svg': dots(
      'A warm lookup of 1000 texts over slow links',
      ['Milliseconds, logarithmic.'],
      'ms',
      ordered,
      links.columns.slice(1).map(({ head }) => head),
    ),
    'models.svg': dots(
      'A cache beside the model it saves, on an H200',
      ['1000 texts, milliseconds, logarithmic. Measured once.'],
      'ms',
      modelMarks(),
      ['warm lookup', 'model, 64 tokens', 'model, 256 tokens'],
    ),
  };
}

function modelMarks(): Mark[] {
  const caches = ACCELERATOR_CACHES.map(({ name, ms, label }) => ({ name, value: ms, series: 'warm lookup', label }));
  const models = MODELS.flatMap(({ name, at64, at256 }) => [
    { name, value: at64, series: 'model, 64 tokens' },
    { name, value: at256, series: 'model, 256 tokens', label: String(at256) },
  ]);
  return [...caches, ...models];
}

function short(value: number): string {
  return value < 10 ? value.toFixed(1) : Math.round(value).toLocaleString('en-US');
}
