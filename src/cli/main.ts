#!/usr/bin/env node
/** The command `vecstash`. */
import { createRequire } from 'node:module';
import { VecstashError } from '../errors.js';
import { UsageError } from './options.js';

interface Command {
  about: string;
  load(): Promise<{ run(args: string[], version: string): Promise<void> }>;
}

const commands: Record<string, Command> = {
  serve: {
    about: 'an OpenAI-compatible /v1/embeddings that caches what an upstream answers',
    load: () => import('./serve/command.js'),
  },
};

const help = () => `Usage: vecstash COMMAND [OPTIONS]

Commands:
${Object.entries(commands)
  .map(([name, { about }]) => `  ${name.padEnd(10)}${about}`)
  .join('\n')}

vecstash COMMAND --help lists the options of a command. vecstash --version prints the version.
`;

async function main([name, ...args]: string[]): Promise<void> {
  const { version } = createRequire(import.meta.url)('vecstash/package.json') as { version: string };
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    process.stdout.write(help());
    if (name === undefined) process.exitCode = 2;
  } else if (name === '--version' || name === '-v') {
    process.stdout.write(`${version}\n`);
  } else {
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (command === undefined) throw new UsageError(`there is no command ${name}: vecstash --help lists them`);
    await (await command.load()).run(args, version);
  }
}

main(process.argv.slice(2)).catch((error: unknown) => {
  const isUsage = error instanceof UsageError;
  const isTold = isUsage || error instanceof VecstashError || (error as NodeJS.ErrnoException)?.syscall !== undefined;
  process.stderr.write(`vecstash: ${isTold ? (error as Error).message : (error as Error)?.stack}\n`);
  process.exit(isUsage ? 2 : 1);
});
