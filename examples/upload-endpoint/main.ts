// npm run endpoint: starts the server and says where it is.
import { Command, InvalidArgumentError } from 'commander';
import pino from 'pino';
import { logEvents } from 'vecstash/observability';
import { startEndpoint } from './endpoint.js';

interface Flags {
  port: number;
  host: string;
  redis?: string;
  folder?: string;
  model: string;
  dimensions: number;
  price?: number;
}

const wholeNumber = (least: number, most: number) => (text: string) => {
  const value = Number(text);
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new InvalidArgumentError(`expected a whole number from ${least} to ${most}.`);
};

const price = (text: string) => {
  const value = Number(text);
  if (text.trim() !== '' && value >= 0 && value < Infinity) return value;
  throw new InvalidArgumentError('expected a number of dollars.');
};

const flags = new Command('npm run endpoint --')
  .description('Serves uploads of texts and images, embedded through the cache, and a page that shows it live.')
  .option('--port <n>', 'where to listen; 0 is any that is free', wholeNumber(0, 65_535), 3000)
  .option('--host <address>', 'who may reach it', '127.0.0.1')
  .option('--redis <url>', 'keep the vectors in this Redis (default: REDIS_URL, else SQLite)')
  .option('--folder <path>', 'where the SQLite file is (default: .data in the folder of this example)')
  .option('--model <id>', 'the model, where OPENAI_API_KEY is set', 'text-embedding-3-small')
  .option('--dimensions <n>', 'the length of its vectors', wholeNumber(1, 65_535), 1536)
  .option('--price <dollars>', 'what a million tokens cost, to show the money saved', price)
  .allowExcessArguments(false)
  .parse()
  .opts<Flags>();

const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseURL, REDIS_URL, LOG_LEVEL = 'warn' } = process.env;

try {
  const { port, host, redis = REDIS_URL, folder, model, dimensions, price } = flags;
  const stopLogging = logEvents(pino({ level: LOG_LEVEL }, pino.destination(2)));
  const endpoint = await startEndpoint({
    port,
    host,
    ...(redis && { redis }),
    ...(folder && { folder }),
    ...(price !== undefined && { price }),
    ...(apiKey && { openai: { apiKey, model, dimensions, ...(baseURL && { baseURL }) } }),
  });
  console.log([`listening at ${endpoint.url}`, ...endpoint.description].join('\n'));
  const end = async () => {
    await endpoint.close();
    stopLogging();
  };
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void end());
} catch (error) {
  console.error(`upload-endpoint: ${(error as Error).message}`);
  process.exitCode = 1;
}
