import { isArrayBuffer, isUint8Array, isUint32Array } from './realms.js';

/** Numbers of a record in `spans`: which memory it lies in, at which byte, and how many. */
const NUMBERS = 3;

/** In place of a memory where there is no record. */
const NONE = 0xffffffff;

/** Memory that records lie in, and that is used again when it is given back. */
export interface RecordMemory {
  /** Somebody has a view of it: it is not used again. */
  keep(): void;
  /** Nobody reads these records any more. */
  release(): void;
}

const NO_MEMORY: readonly RecordMemory[] = [];

/** Makes `RecordSpans` of what is known to lie in its memory. */
let checked: (buffers: readonly Uint8Array[], spans: Uint32Array, memory?: readonly RecordMemory[]) => RecordSpans;

/** The same records where this module checked them; undefined for anything else. */
let checkedFrom: (value: object) => RecordSpans | undefined;

/** `buffers` and `spans`, for who keeps nothing of them. */
export let lookInto: (records: RecordSpans) => Pick<RecordSpans, 'buffers' | 'spans'>;

/** Says that views of the records, or their memory, may outlive them: then it is not used again. */
export let keepRecords: (records: RecordSpans) => void;

/**
 * Gives memory back that is used again, for who alone has these records and keeps nothing of them.
 * From then on they have none in any place.
 */
export let releaseRecords: (records: RecordSpans) => void;

/**
 * Records by place, as they lie in memory that many of them share: one object for a batch, where an
 * array of views takes one for each, and what the native engine is told. Nobody changes one, nor
 * what it points to.
 */
export class RecordSpans {
  #buffers: readonly Uint8Array[];
  readonly #spans: Uint32Array;
  /** Whether each lay in its memory when this module made them. */
  #isChecked = false;
  #memory = NO_MEMORY;

  static {
    checked = (buffers, spans, memory = NO_MEMORY) => {
      const records = new RecordSpans(buffers, spans);
      records.#isChecked = true;
      records.#memory = memory;
      return records;
    };
    lookInto = (records) => ({ buffers: records.#buffers, spans: records.#spans });
    keepRecords = (records) => records.#keep();
    releaseRecords = (records) => {
      const memory = records.#memory;
      if (memory.length === 0) return;
      records.#buffers = [];
      records.#memory = NO_MEMORY;
      for (const one of memory) one.release();
    };
    // Without what somebody may have put over the getters.
    checkedFrom = (value) =>
      #isChecked in value && value.#isChecked ? checked(value.#buffers, value.#spans, value.#memory) : undefined;
  }

  /**
   * Nothing is checked: `of` makes them of views. Whoever gets them from outside asks
   * `recordsFrom`.
   */
  constructor(buffers: readonly Uint8Array[], spans: Uint32Array) {
    this.#buffers = buffers;
    this.#spans = spans;
  }

  /** Each from the beginning of its ArrayBuffer to the end. */
  get buffers(): readonly Uint8Array[] {
    this.#keep();
    return this.#buffers;
  }

  /**
   * For each place an index into `buffers`, an offset and a length; `NONE`, 0, 0 where there is no
   * record.
   */
  get spans(): Uint32Array {
    return this.#spans;
  }

  get length(): number {
    return this.#spans.length / NUMBERS;
  }

  /**
   * What an array of views points to: replies of one socket chunk share its memory, so that many
   * records lie in few. Nothing is believed of a view: what memory can be shared with somebody or
   * change its size is copied, and what lies outside of its memory, or is no view, is no record.
   */
  static of(views: readonly (Uint8Array | undefined)[]): RecordSpans {
    const buffers: Uint8Array[] = [];
    const indices = new Map<ArrayBufferLike, number>();
    const spans = new Uint32Array(NUMBERS * views.length);
    let last: ArrayBufferLike | undefined;
    let room = 0;
    let index = 0;
    for (let place = 0; place < views.length; place++) {
      let view = views[place];
      let buffer = view?.buffer;
      if (view !== undefined && buffer !== last) {
        if (!isOwned(buffer) || view.length === 0) {
          view = copyOf(view);
          buffer = view?.buffer;
        }
        last = buffer;
        const known = buffer && indices.get(buffer);
        if (known !== undefined) {
          index = known;
          room = (buffers[index] as Uint8Array).length;
        } else if (buffer !== undefined) {
          index = buffers.length;
          indices.set(buffer, index);
          const memory = new Uint8Array(buffer);
          buffers.push(memory);
          room = memory.length;
        }
      }
      const offset = view === undefined ? -1 : view.byteOffset;
      const length = view === undefined ? 0 : view.length;
      if (!(offset >= 0 && offset + length <= room)) {
        spans[NUMBERS * place] = NONE;
        continue;
      }
      spans[NUMBERS * place] = index;
      spans[NUMBERS * place + 1] = offset;
      spans[NUMBERS * place + 2] = length;
    }
    return checked(buffers, spans);
  }

  static none(length: number): RecordSpans {
    const spans = new Uint32Array(NUMBERS * length);
    for (let place = 0; place < length; place++) spans[NUMBERS * place] = NONE;
    return checked([], spans);
  }

  /** All of the parts, one behind the other. */
  static join(parts: readonly RecordSpans[]): RecordSpans {
    const [first] = parts;
    if (parts.length === 1 && first !== undefined) return first;
    const buffers: Uint8Array[] = [];
    const spans = new Uint32Array(parts.reduce((sum, part) => sum + part.#spans.length, 0));
    let at = 0;
    for (const part of parts) {
      const own = part.#buffers;
      const from = part.#spans;
      // What ends in one memory is where the next part begins.
      const known = Number(buffers.length > 0 && buffers[buffers.length - 1] === own[0]);
      const base = buffers.length - known;
      for (let m = known; m < own.length; m++) buffers.push(own[m] as Uint8Array);
      spans.set(from, at);
      const end = at + from.length;
      for (let i = at; base > 0 && i < end; i += NUMBERS) {
        if (spans[i] !== NONE) spans[i] = (spans[i] as number) + base;
      }
      at = end;
    }
    if (!parts.every((part) => part.#isChecked)) {
      for (const part of parts) part.#keep();
      return new RecordSpans(buffers, spans);
    }
    return checked(
      buffers,
      spans,
      parts.flatMap((part) => part.#memory),
    );
  }

  has(place: number): boolean {
    return this.#spans[NUMBERS * place] !== NONE;
  }

  /** In bytes; 0 where there is none. */
  lengthOf(place: number): number {
    return this.#spans[NUMBERS * place + 2] as number;
  }

  /** A view of one; undefined where there is none, or its memory has been detached. */
  at(place: number): Uint8Array | undefined {
    this.#keep();
    return this.read(place, viewOf);
  }

  /** What `read` makes of the bytes of one, with no view of them; undefined as in `at`. */
  read<T>(place: number, read: (memory: Uint8Array, start: number, end: number) => T): T | undefined {
    const memory: unknown = this.#buffers[this.#spans[NUMBERS * place] as number];
    const start = this.#spans[NUMBERS * place + 1] as number;
    const end = start + this.lengthOf(place);
    return isUint8Array(memory) && end <= memory.length ? read(memory, start, end) : undefined;
  }

  toArray(): (Uint8Array | undefined)[] {
    return Array.from({ length: this.length }, (_, place) => this.at(place));
  }

  /** The places from `start` to before `end`. */
  slice(start: number, end: number): RecordSpans {
    if (start === 0 && end >= this.length) return this;
    return this.#with(this.#spans.subarray(NUMBERS * start, NUMBERS * end));
  }

  /** Those of the places that `isWanted` says; none in the others. */
  where(isWanted: (place: number) => boolean): RecordSpans {
    const spans = RecordSpans.none(this.length).#spans;
    for (let place = 0; place < this.length; place++) {
      if (isWanted(place)) copySpan(this.#spans, place, spans, place);
    }
    return this.#with(spans);
  }

  /** Those at `places`, in that order. */
  pick(places: ArrayLike<number>): RecordSpans {
    const spans = new Uint32Array(NUMBERS * places.length);
    for (let i = 0; i < places.length; i++) copySpan(this.#spans, places[i] as number, spans, i);
    return this.#with(spans);
  }

  #keep(): void {
    for (const memory of this.#memory) memory.keep();
    this.#memory = NO_MEMORY;
  }

  #with(spans: Uint32Array): RecordSpans {
    return this.#isChecked ? checked(this.#buffers, spans, this.#memory) : new RecordSpans(this.#buffers, spans);
  }
}

function viewOf({ buffer }: Uint8Array, start: number, end: number): Uint8Array {
  return start === end ? new Uint8Array(0) : new Uint8Array(buffer, start, end - start);
}

function copySpan(from: Uint32Array, place: number, to: Uint32Array, at: number): void {
  for (let i = 0; i < NUMBERS; i++) to[NUMBERS * at + i] = from[NUMBERS * place + i] as number;
}

/**
 * What somebody else's code says are `RecordSpans`, or what another copy of this module made (ESM
 * and CJS have one each), where every span lies in its memory; undefined for anything else. What
 * comes out shares the memory, and nothing else that could change.
 */
export function recordSpansFrom(value: unknown): RecordSpans | undefined {
  try {
    if (typeof value !== 'object' || value === null) return undefined;
    const known = checkedFrom(value);
    if (known !== undefined) return known;
    const { buffers, spans: given } = value as Partial<RecordSpans>;
    if (!Array.isArray(buffers) || !isUint32Array(given) || given.length % NUMBERS !== 0) return undefined;
    const spans = new Uint32Array(given);
    const blocks: Uint8Array[] = [];
    for (const memory of buffers) {
      if (!isUint8Array(memory) || memory.byteOffset !== 0) return undefined;
      blocks.push(memory);
    }
    const lengths = blocks.map(({ length }) => length);
    for (let i = 0; i < spans.length; i += NUMBERS) {
      const index = spans[i] as number;
      const room = index === NONE ? 0 : (lengths[index] ?? -1);
      if ((spans[i + 1] as number) + (spans[i + 2] as number) > room) return undefined;
    }
    const records = checked(blocks, spans);
    return blocks.every(({ buffer }) => isOwned(buffer)) ? records : RecordSpans.of(records.toArray());
  } catch {
    // Whatever it is, it has getters.
    return undefined;
  }
}

/** In place of a view of no bytes, whatever memory it is of. */
const NO_BYTES = new Uint8Array(0);

/**
 * Whether memory keeps its size and is nobody else's meanwhile: no SharedArrayBuffer, nothing
 * resizable.
 */
function isOwned(buffer: (ArrayBufferLike & { resizable?: boolean }) | undefined): boolean {
  return isArrayBuffer(buffer) && (buffer as { resizable?: boolean }).resizable !== true;
}

/**
 * The bytes of a view in memory of their own; undefined where it is none. Views of detached memory
 * have no bytes.
 */
function copyOf(view: Uint8Array): Uint8Array | undefined {
  if (view.length === 0) return NO_BYTES;
  return isUint8Array(view) ? new Uint8Array(view) : undefined;
}

/** Puts records together one by one. */
export class RecordSpansBuilder {
  readonly #buffers: Uint8Array[] = [];
  #spans: Uint32Array;
  #end = 0;
  #last: Uint8Array | undefined;
  readonly #memory: readonly RecordMemory[];

  /**
   * @param length how many are likely to come
   * @param memory that they lie in, where it is used again
   */
  constructor(length: number, memory?: RecordMemory) {
    this.#spans = new Uint32Array(NUMBERS * length);
    this.#memory = memory ? [memory] : NO_MEMORY;
  }

  /** @param memory from the beginning of its ArrayBuffer to the end */
  add(memory: Uint8Array, offset: number, length: number): void {
    if (memory !== this.#last) {
      this.#last = memory;
      this.#buffers.push(memory);
    }
    this.#push(this.#buffers.length - 1, offset, length);
  }

  addNone(): void {
    this.#push(NONE, 0, 0);
  }

  build(): RecordSpans {
    return checked(this.#buffers, this.#spans.subarray(0, this.#end), this.#memory);
  }

  #push(memory: number, offset: number, length: number): void {
    const end = this.#end;
    if (end === this.#spans.length) this.#grow();
    const spans = this.#spans;
    spans[end] = memory;
    spans[end + 1] = offset;
    spans[end + 2] = length;
    this.#end = end + NUMBERS;
  }

  #grow(): void {
    const larger = new Uint32Array(2 * this.#spans.length + NUMBERS);
    larger.set(this.#spans);
    this.#spans = larger;
  }
}
