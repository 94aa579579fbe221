/** The page, which the build bundles into dist: scripts/build/dashboard.mjs. */
declare module '#dashboard' {
  /** The HTML. */
  export const PAGE: string;
  /** What it loads, by names that hold a hash. */
  export const ASSETS: Readonly<Record<string, { type: string; text: string }>>;
}
