/** Says why tests are not run. The test runner counts each such line as one skipped test and shows it. */
export function skipped(reason: string): void {
  // Within a test uvu's dots stand on the line.
  console.log(`\nskipped: ${reason}`);
}
