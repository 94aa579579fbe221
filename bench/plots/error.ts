import { bytesAxis, type Labelled, labelledPoints, ownLine, picture, type Side } from './look.js';
import type { Point } from './points.js';

/** Where on a logarithmic axis no error at all is drawn. */
const EXACT_AT = 1e-8;

/** Labels that would overlap at a point of their own; those of one place share one. */
const LABELS: Record<string, [string, Side] | undefined> = {
  exact: ['vecstash, exact', 'right'],
  'maxError 1e-7': ['vecstash, maxError 1e-7', 'upper'],
  'maxError 1e-6': ['1e-6', 'upper'],
  'maxError 1e-5': ['1e-5', 'upper'],
  'maxError 1.25e-4': ['1.25e-4', 'lower'],
  'maxError 5e-4': ['5e-4', 'lower'],
  'maxError 2e-3': ['2e-3', 'lower'],
  float16: ['float16, plain and record', 'upper'],
  int8: ['int8, plain and record', 'upper'],
  lz4: ['lz4; byte shuffle + lz4', 'right'],
  zstd: ['zstd; byte shuffle + zstd', 'right'],
};

const position = {
  x: {
    field: 'place',
    type: 'quantitative',
    title: 'largest error of an element',
    scale: { type: 'log', domain: [EXACT_AT, 1e-2] },
    axis: {
      values: [EXACT_AT, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2],
      labelExpr: `datum.value < 2e-8 ? 'none' : format(datum.value, '.0e')`,
    },
  },
  y: bytesAxis,
};

export function againstError(points: Point[]): object {
  const placed = points.map((point): Labelled & { place: number } => {
    const [label, side] = LABELS[point.name] ?? ['', 'right'];
    return { ...point, place: point.maxError || EXACT_AT, label, side };
  });
  const bounded = placed.filter(({ name }) => name.startsWith('maxError'));
  return picture(
    'What a vector takes, against its error',
    [
      'Gaussian unit vectors of 768 float32s, 3072 bytes.',
      'Records of vecstash are whole; the others have neither header nor checksum.',
    ],
    [ownLine(bounded, position), ...labelledPoints(placed, position)],
  );
}
