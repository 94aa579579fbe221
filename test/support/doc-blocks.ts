import { readFileSync } from 'node:fs';
import ts from 'typescript';

/** A fenced block of code in a Markdown file, with what the comments in front of it say. */
export interface DocBlock {
  /** Of the repository. */
  page: string;
  /** Of its first line of code, from 1. */
  line: number;
  language: string;
  code: string;
  /** `<!-- not run: REASON -->`: it compiles, and a test does not run it. */
  notRun?: string;
  /**
   * `<!-- checked with: PACKAGES -->`: this repository does not install the packages; `npm run
   * check:docs` does, and runs it. A test compiles it.
   */
  checkedWith?: string[];
  /** `<!-- worker -->`: it is a Worker. A test posts texts to it in workerd. */
  isWorker: boolean;
  /** `<!-- native -->`: it needs the native engine. */
  isNative: boolean;
  /** `<!-- continues -->`: it stands behind the block before it, in one program. */
  isContinued: boolean;
  /** `<!-- after: CODE -->`: code that the test adds, such as a call of what the block exports. */
  after?: string;
  /** What it prints: the `text` block that follows it after `<!-- prints -->`. */
  prints?: string;
}

const FENCE = /^(\s*)```(\S*)/;
const COMMENT = /<!-- (not run|checked with|worker|native|continues|after|prints)(?:: ([\s\S]*?))? -->/g;

/** Every fenced block of a Markdown file, in order. Comments count for the block that follows them. */
export function docBlocks(root: string, page: string): DocBlock[] {
  const lines = readFileSync(new URL(page, `file://${root}`), 'utf8').split('\n');
  const blocks: DocBlock[] = [];
  let before = '';
  for (let i = 0; i < lines.length; i++) {
    const fence = FENCE.exec(lines[i] as string);
    if (fence === null) {
      before += `${lines[i]}\n`;
      continue;
    }
    const start = i + 1;
    do i++;
    while (i < lines.length && (lines[i] as string).trim() !== '```');
    if (i >= lines.length) throw new Error(`${page}:${start} opens a block that nothing closes`);
    const code = lines.slice(start, i).map((line) => line.slice((fence[1] as string).length));
    const said = new Map([...before.matchAll(COMMENT)].map(([, name, text]) => [name, text ?? '']));
    before = '';
    const block: DocBlock = {
      page,
      line: start + 1,
      language: fence[2] as string,
      code: code.join('\n'),
      isWorker: said.has('worker'),
      isNative: said.has('native'),
      isContinued: said.has('continues'),
    };
    if (said.has('not run')) block.notRun = said.get('not run') as string;
    if (said.has('checked with')) block.checkedWith = (said.get('checked with') as string).split(' ');
    if (said.has('after')) block.after = said.get('after') as string;
    const last = blocks.at(-1);
    if (said.has('prints') && last) last.prints = block.code;
    blocks.push(block);
  }
  return blocks;
}

/**
 * A program for each TypeScript or JavaScript block: what it continues in front of it, and given
 * names that it lacks.
 */
export interface DocProgram {
  block: DocBlock;
  source: string;
  /** The line of `source` that the block begins on, from 1. */
  offset: number;
}

export function docPrograms(blocks: readonly DocBlock[], given: Record<string, string>): DocProgram[] {
  const programs: DocProgram[] = [];
  let chain = '';
  for (const block of blocks) {
    if (!/^[jt]s$/.test(block.language)) continue;
    chain = block.isContinued ? `${chain}${block.code}\n` : `${block.code}\n`;
    const head = givenFor(chain, given) + chain.slice(0, chain.length - block.code.length - 1);
    const source = `${head}${block.code}\n${block.after ?? ''}\nexport {};\n`;
    programs.push({ block, source, offset: head.split('\n').length });
  }
  return programs;
}

/** A program without its types, as an ES module. */
export function javaScriptOf(source: string): string {
  const compilerOptions: ts.CompilerOptions = {
    module: ts.ModuleKind.ESNext,
    target: ts.ScriptTarget.ES2022,
    verbatimModuleSyntax: true,
  };
  return ts.transpileModule(source, { compilerOptions }).outputText;
}

/** The given declarations of names that a source uses and does not declare, and of the names that those use. */
function givenFor(source: string, given: Record<string, string>): string {
  const { declared, used } = namesOf(source);
  const missing = Object.keys(given).filter((name) => used.has(name) && !declared.has(name));
  if (missing.length === 0) return '';
  const head = missing.map((name) => `${given[name]}\n`).join('');
  const rest = givenFor(`${head}${source}`, given);
  return rest + head;
}

function namesOf(source: string) {
  const [declared, used] = [new Set<string>(), new Set<string>()];
  const visit = (node: ts.Node): void => {
    if (ts.isIdentifier(node)) {
      const { parent } = node;
      const isProperty =
        (ts.isPropertyAccessExpression(parent) && parent.name === node) ||
        (ts.isPropertyAssignment(parent) && parent.name === node) ||
        (ts.isMethodDeclaration(parent) && parent.name === node);
      const isDeclared =
        (ts.isVariableDeclaration(parent) ||
          ts.isParameter(parent) ||
          ts.isFunctionDeclaration(parent) ||
          ts.isClassDeclaration(parent) ||
          ts.isInterfaceDeclaration(parent) ||
          ts.isImportSpecifier(parent) ||
          ts.isImportClause(parent) ||
          ts.isNamespaceImport(parent) ||
          ts.isBindingElement(parent)) &&
        parent.name === node;
      if (isDeclared) declared.add(node.text);
      else if (!isProperty) used.add(node.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile('block.ts', source, ts.ScriptTarget.ES2022, true));
  return { declared, used };
}
