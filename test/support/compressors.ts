import lz4 from 'lz4-napi';

/** Makes what the core did not. */
export interface TestCompressor {
  compress(bytes: Uint8Array): Uint8Array;
}

const SIZE_BYTES = 4;

/** A bare block. */
export const lz4Blocks: TestCompressor = {
  compress: (bytes) => lz4.compressSync(Buffer.from(bytes)).subarray(SIZE_BYTES),
};

/** One frame; undefined where zstd-napi could not be built. */
export const zstdFrames: TestCompressor | undefined = await import('zstd-napi').then(
  ({ Compressor }) => new Compressor(),
  () => undefined,
);
