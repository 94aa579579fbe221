/** Loads ioredis. Throws what `require` throws. */
declare function load(): unknown;
export = load;
