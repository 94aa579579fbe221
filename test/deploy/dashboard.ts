import { readFileSync } from 'node:fs';
import { deployed } from './files.js';

export interface Panel {
  id: number;
  type: string;
  title: string;
  gridPos: { x: number; y: number; w: number; h: number };
  datasource?: { uid: string };
  targets?: { refId: string; expr: string; datasource: { uid: string } }[];
}

/** What of a dashboard of Grafana tests look at. */
export interface Dashboard {
  schemaVersion: number;
  templating: { list: { name: string; type: string; definition?: string; datasource?: { uid: string } }[] };
  panels: Panel[];
}

export function readDashboard(): Dashboard {
  return JSON.parse(readFileSync(deployed('grafana/vecstash.json'), 'utf8')) as Dashboard;
}

/** The expressions of the panels, by the panels' titles, with Grafana's variables as they are where everything is shown. */
export function expressionsOf({ panels }: Dashboard): [title: string, expr: string][] {
  return panels.flatMap(({ title, targets = [] }) =>
    targets.map(({ expr }): [string, string] => [
      title,
      expr
        .replaceAll('$__rate_interval', '1m')
        .replaceAll('$__range', '1h')
        .replace(/\$(job|namespace|operation)\b/g, '.*'),
    ]),
  );
}
