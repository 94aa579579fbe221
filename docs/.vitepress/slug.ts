/**
 * The anchor that GitHub gives a heading, which the site uses too, so that one link serves both. A
 * heading that occurs again on a page gets `-1`, `-2`, ... behind it. `heading` is its text without
 * Markdown.
 */
export const slugOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replace(/[^\p{L}\p{M}\p{N}\p{Pc}\- ]/gu, '')
    .replaceAll(' ', '-');
