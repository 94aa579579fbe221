// Runs before the page is drawn, so that a remembered theme does not flash in.
import { applyTheme, rememberedTheme } from './theme.js';

applyTheme(rememberedTheme());
