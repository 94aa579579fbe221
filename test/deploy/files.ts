import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parse } from 'yaml';

/** The path of a file in deploy. */
export function deployed(path: string): string {
  return fileURLToPath(new URL(`../../deploy/${path}`, import.meta.url));
}

export const RULES = deployed('prometheus/vecstash.rules.yml');

/** A rule of Prometheus: one that records, or an alert. */
export interface Rule {
  record?: string;
  alert?: string;
  expr: string;
  for?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
}

/** What a file of rules holds. */
export interface RuleFile {
  groups: { name: string; interval?: string; rules: Rule[] }[];
}

export function readYaml<T>(path: string): T {
  return parse(readFileSync(path, 'utf8')) as T;
}

export function readRules(): Rule[] {
  return readYaml<RuleFile>(RULES).groups.flatMap(({ rules }) => rules);
}
