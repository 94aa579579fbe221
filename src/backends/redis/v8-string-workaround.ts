/**
 * More than V8 runs a function before it looks at what that loads: 10 times on Node 20, 22 and 24.
 */
const LOADS = 100;

/**
 * Gives back their speed to the methods of strings. ioredis 6 has a class that extends String, and
 * a prototype that another one inherits from becomes a dictionary in V8: each call of a string's
 * method in optimised code, anywhere in the process, looks it up anew (charCodeAt takes five times
 * as long). Loads from an object that inherits make V8 mend that. A plain string is none, so
 * nothing else does.
 */
export function restoreFastStrings(): void {
  const object = Object('') as string;
  const load = (text: string) => text.charCodeAt;
  for (let i = 0; i < LOADS; i++) load(object);
}
