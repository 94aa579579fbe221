/**
 * Loads a native package, or a built-in module that not every Node has. Throws what `require`
 * throws, or `cause` where one is given.
 */
declare function requireOptional(id: string, cause?: unknown): unknown;
export = requireOptional;
