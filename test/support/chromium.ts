import { type Browser, chromium } from 'playwright-core';
import { findProgram, onPath } from './programs.js';

/** A browser that makes no calls of its own. The sandbox needs rights that a container may not have. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** CHROMIUM_PATH, one on PATH, or one that is installed by apt where this may be done. */
export function findChromium(): string | undefined {
  const named = process.env.CHROMIUM_PATH || onPath('google-chrome') || onPath('chromium-browser');
  return named || findProgram('chromium', 'chromium');
}

/** A headless browser with a new profile, which is removed when it is closed. */
export function launchChromium(executablePath: string): Promise<Browser> {
  return chromium.launch({ executablePath, headless: true, args: ARGUMENTS });
}
