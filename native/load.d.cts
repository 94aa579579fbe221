declare namespace load {
  /**
   * What the native addon exports. Each function crosses once for a whole batch.
   *
   * Keys cross as one buffer, the UTF-8 of every key end to end, with each key's length in bytes. A record to decode is three
   * numbers in `spans`: the index of the buffer in `sources` that holds it, its offset there and its length (0: there is no record).
   */
  interface NativeAddon {
    /** The version it was built as, which is the package's: load.cjs takes no other. */
    readonly VERSION: string;

    /**
     * The digest of each string behind the ASCII `prefix`, end to end: whole keys of one length, in one flat string to cut them
     * from. With `secret`, HMAC-SHA256 instead of SHA-256 (docs/format.md section 3).
     */
    digestStrings(secret: Uint8Array | undefined, prefix: Uint8Array, ...inputs: string[]): string;

    /** The same for inputs that are bytes, which never have the digest of a string. */
    digestBytes(secret: Uint8Array | undefined, prefix: Uint8Array, inputs: Uint8Array[]): string;

    /**
     * Encodes vectors of `dimensions` float32s: all records end to end, and the length of each. `tolerance` is 0 for exact, -1 for
     * float16, -2 for int8, or the largest error. `structureHint` has four words, all zero at first, that the
     * addon reads and writes.
     * `profile` is the number of one that was loaded, or 0. `tokens` are those of each vector; what is no whole number below
     * 2^32 is not known, and not stored.
     */
    encodeVectors(
      keys: Uint8Array,
      keyLengths: Uint32Array,
      vectors: Float32Array[],
      dimensions: number,
      compression: Compression,
      tolerance: number,
      structureHint: Uint32Array,
      profile: number,
      tokens?: Float64Array,
    ): { bytes: Buffer; lengths: Uint32Array };

    /**
     * Decodes records into `blocks`: row `i` goes to block `floor(i / rowsPerBlock)`. Returns one status a row, an index into
     * `STATUSES` of src/codec/engine/status.ts; rows that are not ok keep whatever the block held. `tolerance` as above.
     * `profiles` are the numbers of those that may be read with, of those that were loaded.
     */
    decodeVectors(
      keys: Uint8Array,
      keyLengths: Uint32Array,
      sources: Uint8Array[],
      spans: Uint32Array,
      dimensions: number,
      tolerance: number,
      blocks: Float32Array[],
      rowsPerBlock: number,
      profiles: Uint32Array,
    ): Uint8Array;

    /**
     * The same on another thread. Keys and records are copied; nobody may read, write or transfer the blocks until it is done.
     */
    decodeVectorsLater(...batch: Parameters<NativeAddon['decodeVectors']>): Promise<Uint8Array>;

    /**
     * Makes a profile ready on this thread, for as long as that lives, and returns the number that records name it by, which is not 0; null
     * where it is none, or where there is another of this number.
     */
    loadProfile(bytes: Uint8Array): number | null;

    /**
     * Makes a dictionary ready on this thread, for as long as that lives, and returns the number that records name it by; null where
     * zstd does not take it, or has another of this number.
     */
    loadDictionary(bytes: Uint8Array): number | null;

    /** A dictionary of at most so many bytes for samples that lie end to end; null where they are too few. */
    trainDictionary(samples: Uint8Array, sampleLengths: Uint32Array, bytes: number): Buffer | null;

    /**
     * Encodes values that are msgpack already, with a dictionary that was loaded or without: all records end to end, and the length of
     * each.
     */
    encodeValues(
      keys: Uint8Array,
      keyLengths: Uint32Array,
      values: Uint8Array[],
      compression: Compression,
      dictionary?: number,
    ): { bytes: Buffer; lengths: Uint32Array };

    /** The msgpack of each record, or its status (an index into `STATUSES`). */
    decodeValues(
      keys: Uint8Array,
      keyLengths: Uint32Array,
      sources: Uint8Array[],
      spans: Uint32Array,
    ): (Buffer | number)[];

    /**
     * Puts payloads that were made elsewhere into records: all records end to end, and the length of each. `modes` are 0 to 127,
     * `numbers` the third element of each record.
     */
    writeRecords(
      keys: Uint8Array,
      keyLengths: Uint32Array,
      payloads: Uint8Array[],
      modes: Uint32Array,
      numbers: Uint32Array,
    ): { bytes: Buffer; lengths: Uint32Array };

    /**
     * Reads records whose third element counts bytes, whatever their payloads hold. Four numbers for each: the status (an index into
     * `STATUSES`), and where that is ok the mode, the third element and the payload's offset in the record, else zeros.
     */
    readRecords(keys: Uint8Array, keyLengths: Uint32Array, sources: Uint8Array[], spans: Uint32Array): Uint32Array;
  }

  /** 0 auto, 1 none, 2 lz4, 3 zstd */
  type Compression = 0 | 1 | 2 | 3;
}

/** The addon, or why it could not be loaded. It is looked for with the first call. */
declare function load(): { addon: load.NativeAddon; error?: undefined } | { addon?: undefined; error: Error };
export = load;
