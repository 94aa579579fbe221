const KEY = 'vecstash.theme';

export type Theme = 'system' | 'light' | 'dark';

/** What was chosen. A browser that keeps nothing has no memory of it, and the page works. */
export function rememberedTheme(): Theme {
  try {
    const theme = localStorage.getItem(KEY);
    return theme === 'light' || theme === 'dark' ? theme : 'system';
  } catch {
    return 'system';
  }
}

export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = theme;
}

export function startTheme(select: HTMLSelectElement, onChange: () => void): void {
  select.value = rememberedTheme();
  select.addEventListener('change', () => {
    applyTheme(select.value as Theme);
    try {
      localStorage.setItem(KEY, select.value);
    } catch {
      // See rememberedTheme.
    }
    onChange();
  });
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', onChange);
}
