/**
 * What is read of a zstd frame's header (RFC 8878, section 3.1.1): what it promises is looked at
 * before a library allocates for it.
 */
interface FrameHeader {
  contentSize: number;
  /** Where the blocks begin. */
  end: number;
  hasChecksum: boolean;
}

const MAGIC = 0xfd2fb528;
const SINGLE_SEGMENT = 0x20;
const CHECKSUM = 0x04;
/** A dictionary's ID, or the reserved bit: neither is taken. */
const REFUSED = 0x0b;
const BLOCK_HEADER_BYTES = 3;
const CHECKSUM_BYTES = 4;
/** The type of a block that is one byte, repeated. */
const RLE = 1;

/** The content size in a frame's header; undefined for none, a dictionary's ID, or no frame. */
export function zstdContentSize(bytes: Uint8Array): number | undefined {
  return headerOf(viewOf(bytes))?.contentSize;
}

/**
 * Whether `bytes` are one frame and nothing else, without a dictionary's ID, that states `length`
 * as its content size.
 */
export function zstdFramePromises(bytes: Uint8Array, length: number): boolean {
  const view = viewOf(bytes);
  const header = headerOf(view);
  if (header?.contentSize !== length) return false;
  let at = header.end;
  for (;;) {
    if (at + BLOCK_HEADER_BYTES > bytes.length) return false;
    const block = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    const size = block >> 3;
    at += BLOCK_HEADER_BYTES + (((block >> 1) & 3) === RLE ? 1 : size);
    if (block & 1) return at + (header.hasChecksum ? CHECKSUM_BYTES : 0) === bytes.length;
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function headerOf(view: DataView): FrameHeader | undefined {
  if (view.byteLength < 6 || view.getUint32(0, true) !== MAGIC) return undefined;
  const descriptor = view.getUint8(4);
  if (descriptor & REFUSED) return undefined;
  const isSingleSegment = (descriptor & SINGLE_SEGMENT) !== 0;
  const at = isSingleSegment ? 5 : 6;
  const width = [isSingleSegment ? 1 : 0, 2, 4, 8][descriptor >> 6] as number;
  const end = at + width;
  if (width === 0 || view.byteLength < end) return undefined;
  return { contentSize: sizeAt(view, at, width), end, hasChecksum: (descriptor & CHECKSUM) !== 0 };
}

function sizeAt(view: DataView, at: number, width: number): number {
  if (width === 1) return view.getUint8(at);
  if (width === 2) return view.getUint16(at, true) + 256;
  return width === 4 ? view.getUint32(at, true) : Number(view.getBigUint64(at, true));
}
