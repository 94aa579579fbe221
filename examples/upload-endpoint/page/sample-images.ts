const WIDTH = 160;
const HEIGHT = 120;

/** Pictures that are the same each time: the second upload of them finds the first. */
export function sampleImages(many: number): Promise<File[]> {
  return Promise.all(Array.from({ length: many }, (_, i) => sampleImage(i)));
}

async function sampleImage(number: number): Promise<File> {
  const canvas = document.createElement('canvas');
  canvas.width = WIDTH;
  canvas.height = HEIGHT;
  paint(canvas.getContext('2d') as CanvasRenderingContext2D, number);
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, 'image/png'));
  if (blob === null) throw new Error('this browser makes no pictures');
  return new File([blob], `sample ${number + 1}.png`, { type: 'image/png' });
}

/** A sky, a sun and hills, another for each number. */
function paint(brush: CanvasRenderingContext2D, number: number): void {
  const random = randomFrom(number + 1);
  const hue = (number * 36 + 200) % 360;
  const sky = brush.createLinearGradient(0, 0, 0, HEIGHT);
  sky.addColorStop(0, `hsl(${hue} 70% 45%)`);
  sky.addColorStop(1, `hsl(${(hue + 50) % 360} 75% 80%)`);
  brush.fillStyle = sky;
  brush.fillRect(0, 0, WIDTH, HEIGHT);
  brush.fillStyle = `hsl(${(hue + 150) % 360} 85% 85%)`;
  brush.beginPath();
  brush.arc(20 + random() * 120, 20 + random() * 30, 8 + random() * 12, 0, 2 * Math.PI);
  brush.fill();
  for (let hill = 0; hill < 3; hill++) {
    brush.fillStyle = `hsl(${(hue + 20) % 360} 40% ${45 - hill * 14}%)`;
    brush.beginPath();
    brush.moveTo(0, HEIGHT);
    const top = 60 + hill * 18;
    const wave = 25 + random() * 35;
    const shift = random() * 10;
    for (let x = 0; x <= WIDTH; x += 4) brush.lineTo(x, top + 14 * Math.sin(x / wave + shift));
    brush.lineTo(WIDTH, HEIGHT);
    brush.fill();
  }
}

/** Numbers from 0 to 1 that follow from a seed (mulberry32). */
function randomFrom(seed: number): () => number {
  let state = seed * 0x9e3779b9;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
