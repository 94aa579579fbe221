/** The side of the square that a picture is scaled to. */
export const SIDE = 64;

/** Steps of each of red, green and blue. */
const COLOURS = 4;
/** Squares of light in each direction. */
const LIGHT = 16;
/** Squares in each direction whose edges are told apart, and directions of an edge. */
const EDGES = 4;
const DIRECTIONS = 12;

/** 64 of colour, 256 of light, 192 of edges. */
export const PIXEL_DIMENSIONS = COLOURS ** 3 + LIGHT ** 2 + EDGES ** 2 * DIRECTIONS;

/**
 * A vector of a picture without a model: how much there is of each colour, where it is light, and which way its edges run. Each
 * of the three weighs the same; the whole has length 1. `rgb` is SIDE x SIDE pixels.
 */
export function pixelFeatures(rgb: Uint8Array): Float32Array {
  const light = lightOf(rgb);
  const parts = [colours(rgb), squaresOf(light), edgesOf(light)].map(unit);
  return Float32Array.from(unit(parts.flat()));
}

function colours(rgb: Uint8Array): number[] {
  const counts = new Array<number>(COLOURS ** 3).fill(0);
  const step = (at: number) => Math.floor(((rgb[at] as number) * COLOURS) / 256);
  for (let at = 0; at < rgb.length; at += 3) {
    const bin = (step(at) * COLOURS + step(at + 1)) * COLOURS + step(at + 2);
    counts[bin] = (counts[bin] as number) + 1;
  }
  return counts;
}

/** Rec. 709, 0 to 1. */
function lightOf(rgb: Uint8Array): Float32Array {
  return Float32Array.from({ length: SIDE * SIDE }, (_, i) => {
    const [red, green, blue] = rgb.subarray(3 * i, 3 * i + 3) as unknown as [number, number, number];
    return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255;
  });
}

function squaresOf(light: Float32Array): number[] {
  const sums = new Array<number>(LIGHT ** 2).fill(0);
  light.forEach((value, i) => {
    const square = squareAt(i % SIDE, Math.floor(i / SIDE), LIGHT);
    sums[square] = (sums[square] as number) + value;
  });
  return sums;
}

/** An edge weighs what it contrasts; light to dark and dark to light are the same. */
function edgesOf(light: Float32Array): number[] {
  const sums = new Array<number>(EDGES ** 2 * DIRECTIONS).fill(0);
  const at = (x: number, y: number) => light[y * SIDE + x] as number;
  for (let y = 1; y < SIDE - 1; y++) {
    for (let x = 1; x < SIDE - 1; x++) {
      const dx = at(x + 1, y) - at(x - 1, y);
      const dy = at(x, y + 1) - at(x, y - 1);
      const turn = (Math.atan2(dy, dx) / Math.PI + 1) % 1;
      const direction = Math.min(DIRECTIONS - 1, Math.floor(turn * DIRECTIONS));
      const bin = squareAt(x, y, EDGES) * DIRECTIONS + direction;
      sums[bin] = (sums[bin] as number) + Math.hypot(dx, dy);
    }
  }
  return sums;
}

function squareAt(x: number, y: number, squares: number): number {
  const place = (v: number) => Math.floor((v * squares) / SIDE);
  return place(y) * squares + place(x);
}

/** Scaled to length 1; what is all zero, such as the edges of a plain colour, stays so. */
function unit(values: number[]): number[] {
  const length = Math.hypot(...values);
  return length === 0 ? values : values.map((value) => value / length);
}
