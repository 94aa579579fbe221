import { suite } from 'uvu';
import {
  type BackendUnderTest,
  CAPABILITIES,
  backendContract as contract,
} from '../../src/testing/backend-contract.js';
import { skipped } from '../support/skip.js';

/**
 * Runs the contract suite as a uvu suite, and what is to be released after it. The name says what the backend runs on: the test
 * command shows it.
 */
export function backendContract(
  name: string,
  backend: Omit<BackendUnderTest, 'test'> & { after?: () => unknown },
): void {
  const { after, ...given } = backend;
  // Whoever has fewer says so.
  const underTest = { ...given, capabilities: given.capabilities ?? CAPABILITIES };
  const test = suite(`contract of ${name}`);
  console.log(`contract of ${name}`);
  contract(name, { ...underTest, test });
  if (backend.isExclusive === false) skipped(`contract of ${name}, clear(''): the store is shared with others`);
  for (const capability of CAPABILITIES) {
    if (!underTest.capabilities.includes(capability))
      skipped(`contract of ${name}, ${capability}: this backend has none`);
  }
  test.after(async () => {
    await after?.();
  });
  test.run();
}
