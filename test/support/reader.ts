/** A context for reads, what it is told, and the controller that says when nobody waits any more. */
export function reader(controller = new AbortController()) {
  const failures: Error[] = [];
  const onPartialFailure = (error: unknown) => void failures.push(error as Error);
  return { controller, failures, context: { signal: controller.signal, onPartialFailure } };
}
