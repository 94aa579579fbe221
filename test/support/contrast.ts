import type { Page } from 'playwright-core';

/** What WCAG 2 AA asks of text: 4.5, or 3 where it is large. */
const LEAST = 4.5;
const LEAST_LARGE = 3;

/** The texts of a page that are seen and stand out too little from what is behind them. */
export function contrastProblems(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(`(${IN_PAGE})(${LEAST}, ${LEAST_LARGE})`);
}

// A string: it runs in the page, whose types these tests do not have. Colours are read off a canvas, whatever CSS calls them.
const IN_PAGE = `(least, leastLarge) => {
  const brush = document.createElement('canvas').getContext('2d', { willReadFrequently: true });
  const over = (colours) => {
    brush.fillStyle = '#fff';
    brush.fillRect(0, 0, 1, 1);
    for (const colour of colours) {
      brush.fillStyle = colour;
      brush.fillRect(0, 0, 1, 1);
    }
    return [...brush.getImageData(0, 0, 1, 1).data];
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((x) => x / 255).map((x) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const problems = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some((node) => node.nodeType === 3 && node.textContent.trim());
    if (!own || !element.checkVisibility() || element.closest('[aria-hidden]') || element.tagName === 'OPTION') continue;
    const { color, fontSize, fontWeight } = getComputedStyle(element);
    const behind = [];
    for (let at = element; at; at = at.parentElement) behind.unshift(getComputedStyle(at).backgroundColor);
    const [a, b] = [luminance(over([...behind, color])), luminance(over(behind))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    const isLarge = parseFloat(fontSize) >= 24 || (parseFloat(fontSize) >= 18.66 && fontWeight >= 700);
    if (ratio < (isLarge ? leastLarge : least)) problems.push(ratio.toFixed(2) + ' ' + element.textContent.trim().slice(0, 40));
  }
  return problems;
}`;
