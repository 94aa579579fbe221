/** Says why tests are not run. The test runner counts each such line as one skipped test and shows it. */
export function skipped(reason: string): void {
  console.log(`skipped: ${reason}`);
}
