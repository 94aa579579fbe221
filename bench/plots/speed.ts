import { bytesAxis, type Labelled, labelledPoints, picture, type Side } from './look.js';
import type { Point } from './points.js';

const LABELS: Record<string, [string, Side] | undefined> = {
  exact: ['vecstash, exact', 'right'],
  'maxError 1e-7': ['vecstash, maxError 1e-7', 'right'],
  'maxError 1e-6': ['1e-6', 'right'],
  'maxError 1e-5': ['1e-5', 'right'],
  'maxError 1.25e-4': ['1.25e-4', 'right'],
  'maxError 5e-4': ['5e-4', 'right'],
  'maxError 2e-3': ['2e-3', 'right'],
  float16: ['vecstash, float16', 'below'],
  int8: ['vecstash, int8', 'below'],
  lz4: ['lz4 (finds nothing, and copies)', 'left'],
  zstd: ['zstd', 'right'],
  'byte shuffle + lz4': ['byte shuffle + lz4', 'left'],
  'byte shuffle + zstd': ['byte shuffle + zstd', 'under'],
  'plain float16': ['plain float16', 'above'],
  'plain int8, max-abs': ['plain int8', 'above'],
};

const position = {
  x: {
    field: 'decode',
    type: 'quantitative',
    title: 'decoding, GB/s of float32s',
    scale: { type: 'log', domain: [0.4, 80] },
    axis: { values: [0.5, 1, 2, 5, 10, 20, 50], format: '~g' },
  },
  y: bytesAxis,
};

export function againstSpeed(points: Point[]): object {
  const placed = points.map((point): Labelled => {
    const [label, side] = LABELS[point.name] ?? ['', 'right'];
    return { ...point, label, side };
  });
  const copy = points.map((point) => point.copy).sort((a, b) => a - b)[points.length >> 1];
  const rule = { data: { values: [{ decode: copy, bytes: 2200, label: 'memcpy' }] } };
  return picture(
    'What a vector takes, against the speed of decoding',
    [
      'Gaussian unit vectors of 768 float32s, 3072 bytes, in Rust, one thread.',
      'vecstash verifies a checksum, the others have none.',
    ],
    [
      { ...rule, mark: { type: 'rule', color: '#777777', strokeDash: [4, 4] }, encoding: { x: position.x } },
      {
        ...rule,
        mark: { type: 'text', color: '#555555', fontSize: 12, align: 'left', dx: 5 },
        encoding: { ...position, text: { field: 'label' } },
      },
      ...labelledPoints(placed, position),
    ],
  );
}
