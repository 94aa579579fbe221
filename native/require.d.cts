/** Loads an optional package or a built-in module that not every Node has. Throws what `require` throws. */
declare function requireOptional(id: string): unknown;
export = requireOptional;
