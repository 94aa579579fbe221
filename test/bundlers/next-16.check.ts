import { checkNext } from './next.js';

await checkNext('next-16');
