import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { slugOf } from '../../docs/.vitepress/slug.js';

/** A link of a Markdown file, as it stands there. */
export interface DocLink {
  page: string;
  line: number;
  target: string;
}

/** Every Markdown file of the repository, tracked or new. */
export function markdownFiles(root: string): string[] {
  const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
    cwd: root,
    encoding: 'utf8',
  });
  return listed.split('\n').filter((path) => path !== '' && existsSync(join(root, path)));
}

/** The links and pictures of a file, outside code. */
export function linksOf(root: string, page: string): DocLink[] {
  const text = withoutCode(readFileSync(join(root, page), 'utf8'));
  const patterns = [/\]\(<?([^)\s>]+)>?(?:\s+"[^"]*")?\)/g, /^\[[^\]]+\]:\s+(\S+)/gm, /\s(?:src|href)="([^"]+)"/g];
  return patterns.flatMap((pattern) =>
    [...text.matchAll(pattern)].map((match) => ({
      page,
      line: text.slice(0, match.index).split('\n').length,
      target: match[1] as string,
    })),
  );
}

/**
 * What is wrong with a link into the repository, or undefined. A file has to be there, and in a
 * Markdown file its anchor.
 */
export function linkProblem(root: string, { page, line, target }: DocLink): string | undefined {
  const [path, anchor] = target.split('#') as [string, string?];
  const file = path === '' ? page : relative(root, join(root, dirname(page), decodeURIComponent(path)));
  if (file.startsWith('..')) return `${page}:${line}: ${target} leads out of the repository`;
  if (!existsSync(join(root, file))) return `${page}:${line}: ${target}: there is no ${file}`;
  if (anchor === undefined || !file.endsWith('.md')) return undefined;
  const isThere = anchorsOf(readFileSync(join(root, file), 'utf8')).has(anchor);
  return isThere ? undefined : `${page}:${line}: ${target}: ${file} has no heading #${anchor}`;
}

function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ''] of withoutFences(text).matchAll(/^#{1,6} +(.+)$/gm)) {
    const slug = slugOf(heading.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, ''));
    let unique = slug;
    for (let i = 1; anchors.has(unique); i++) unique = `${slug}-${i}`;
    anchors.add(unique);
  }
  return anchors;
}

/** The same number of lines, without fenced blocks. */
const withoutFences = (text: string) => text.replace(/^\s*```[\s\S]*?^\s*```$/gm, (block) => block.replace(/.+/g, ''));
const withoutCode = (text: string) =>
  withoutFences(text).replace(/(`+)[\s\S]*?\1/g, (code) => code.replace(/[^\n]/g, ' '));
