const KiB = 2 ** 10;
const MiB = 2 ** 20;

/** What one request may hold. Everything of a request is in memory at once, so each of these bounds it. */
export const LIMITS = {
  texts: 1000,
  textBytes: 32 * KiB,
  textsBodyBytes: 8 * MiB,
  images: 50,
  imageBytes: 8 * MiB,
  imagesBodyBytes: 48 * MiB,
  /** A small file may hold a picture that takes gigabytes. */
  imagePixels: 40_000_000,
} as const;

/** Such as '8 MiB'. */
export function sizeOf(bytes: number): string {
  return bytes >= MiB ? `${Math.round(bytes / MiB)} MiB` : `${Math.round(bytes / KiB)} KiB`;
}
