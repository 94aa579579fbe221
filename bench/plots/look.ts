import type { Point } from './points.js';

/**
 * What all pictures have in common. Blue and vermilion are told apart by every kind of colour
 * vision, and the shapes differ too.
 */
export const OWN = '#0072b2';
export const OTHER = '#d55e00';
export const INK = '#222222';
export const GREY = '#777777';
export const GRID = '#e5e5e5';

/** Where a label stands, seen from its point. */
export type Side = keyof typeof OFFSETS;

const OFFSETS = {
  left: { align: 'right', baseline: 'middle', dx: -9 },
  right: { align: 'left', baseline: 'middle', dx: 9 },
  above: { align: 'center', baseline: 'bottom', dy: -8 },
  below: { align: 'center', baseline: 'top', dy: 9 },
  upper: { align: 'left', baseline: 'bottom', dx: 5, dy: -5 },
  under: { align: 'left', baseline: 'top', dx: -5, dy: 9 },
  lower: { align: 'right', baseline: 'top', dx: -5, dy: 6 },
};

export interface Labelled extends Point {
  label: string;
  side: Side;
}

/** Channels of a layer; vega-lite's own names. */
type Encoding = Record<string, unknown>;

const colour = {
  field: 'isOwn',
  type: 'nominal',
  scale: { domain: [true, false], range: [OWN, OTHER] },
  legend: null,
};

/** Points and their labels, where `position` says. */
export function labelledPoints(points: Labelled[], position: Encoding): object[] {
  const sides = Object.entries(OFFSETS).map(([side, offset]) => ({
    data: { values: points.filter((point) => point.side === side) },
    mark: { type: 'text', fontSize: 12, lineBreak: '\n', ...offset },
    encoding: { ...position, text: { field: 'label' }, color: colour },
  }));
  const shape = {
    field: 'isOwn',
    type: 'nominal',
    scale: { domain: [true, false], range: ['circle', 'diamond'] },
    legend: null,
  };
  return [
    {
      data: { values: points },
      mark: { type: 'point', filled: true, opacity: 1, size: 75 },
      encoding: { ...position, color: colour, shape },
    },
    ...sides.filter(({ data }) => data.values.length > 0),
  ];
}

export function ownLine(points: Point[], position: Encoding): object {
  return { data: { values: points }, mark: { type: 'line', color: OWN, strokeWidth: 1.5 }, encoding: position };
}

const FRAME = { width: 700, height: 400, padding: { left: 76, right: 40, top: 84, bottom: 48 } };

/** A whole picture. */
export function picture(title: string, subtitle: string[], layer: object[], frame: typeof FRAME = FRAME): object {
  return {
    $schema: 'https://vega.github.io/schema/vega-lite/v6.json',
    title: {
      text: title,
      subtitle,
      anchor: 'start',
      frame: 'group',
      fontSize: 15,
      subtitleFontSize: 12,
      subtitlePadding: 4,
      offset: 14,
    },
    ...frame,
    // Without a canvas vega guesses how wide text is, and would leave room for the guess.
    autosize: 'none',
    background: 'white',
    config: {
      font: 'Helvetica, Arial, sans-serif',
      title: { color: INK, subtitleColor: INK },
      axis: {
        labelFontSize: 12,
        titleFontSize: 12,
        titleFontWeight: 'normal',
        labelColor: INK,
        titleColor: INK,
        gridColor: GRID,
      },
      view: { stroke: null },
    },
    layer,
  };
}

export const bytesAxis = {
  field: 'bytes',
  type: 'quantitative',
  title: 'bytes a vector',
  scale: { domain: [0, 3200] },
  axis: { values: [0, 500, 1000, 1500, 2000, 2500, 3000] },
};
