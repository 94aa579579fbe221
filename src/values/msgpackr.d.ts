/** msgpackr, which the build bundles into dist: scripts/build/msgpackr.mjs. */
declare module '#msgpackr' {
  export { Packr } from 'msgpackr';
}
