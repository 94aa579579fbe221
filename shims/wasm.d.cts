declare namespace wasm {
  /**
   * What an instance of the core exports (native/wasm). Numbers are u32 where nothing else is said. Each call that returns a number
   * answers 0 where it wrote an output, and traps where the core fails.
   */
  interface Exports {
    readonly memory: { readonly buffer: ArrayBuffer };
    /** Room for a call's input, at a multiple of 8; 0 where there is none. */
    input(bytes: number): number;
    /** Where the last call's output lies, at a multiple of 8, and its bytes. */
    output(): number;
    output_length(): number;
    trim(): void;
    abi(): number;
    encode_vectors(
      count: number,
      dimensions: number,
      compression: number,
      tolerance: number,
      profile: number,
      hasTokens: number,
    ): number;
    decode_vectors(count: number, dimensions: number, tolerance: number, profiles: number): number;
    encode_values(count: number, compression: number, hasDictionary: number, dictionary: number): number;
    decode_values(count: number): number;
    load_dictionary(length: number): number;
    load_profile(length: number): number;
    digest(count: number, prefixLength: number, hasSecret: number, secretLength: number): number;
    write_records(count: number): number;
    read_records(count: number): number;
  }
}

/** Makes an instance with a memory of its own. */
declare function wasm(): wasm.Exports;
export = wasm;
