/** Workflows for the console's pages of runs, besides the demo's, and the CLI that runs their tasks. */
import { join } from 'node:path';
import { custody, type Ran } from '#test/cli/support.ts';
import { apiAs, reconfigure } from '#test/support/access-story.ts';
import type { LocalGateway } from '#test/support/local-gateway.ts';

/** Text that would be markup, would run, or would turn what stands beside it around. */
export const HOSTILE = '<img src=x onerror="alert(1)">\u202egnp.exe\u200b\u001b[31m';
/** As it is shown. */
export const HOSTILE_SHOWN = '<img src=x onerror="alert(1)">\\u202egnp.exe\\u200b\\x1b[31m';

const BY = 'by: { groups: [developers] }';
const task = (name: string, after: readonly string[], contract: string): string => `
      ${name}:
        target: orders-prod
        ${BY}
        after: [${after.join(', ')}]
        runs: 5
        contract: ${contract}`;

const select = (column: string): string =>
  `{ does: [{ name: look, statement: "SELECT 7 AS ${column}" }], outputs: { seen: { of: look, columns: [${column}], keep: true } } }`;

const given = (...froms: readonly string[]): string => {
  const values = froms.map((from, at) => `$${at + 1}: { type: integer, from: ${from} }`);
  const places = froms.map((_, at) => `$${at + 1}::int`).join(' + ');
  return `{ does: [{ name: take, statement: "SELECT ${places} AS n", values: { ${values.join(', ')} } }], outputs: { seen: { of: take, columns: [n], keep: true } } }`;
};

/** A diamond; one that asks; one that has hostile text wherever text may be; one of sixty tasks. */
const WORKFLOWS = `  diamond:
    description: Two that do not know of each other
    tasks:${task('top', [], select('id'))}${task('left', ['top'], given('top.seen.id'))}${task('right', ['top'], given('top.seen.id'))}${task('bottom', ['left', 'right'], given('left.seen.n', 'right.seen.n'))}
  asking:
    tasks:
      look:
        target: orders-prod
        ${BY}
        contract:
          does: [{ name: one, statement: SELECT 1 AS one }]
          onDeviation: { ask: { reviewers: { any: [reviewers] }, wait: 30m } }
  hostile:
    description: ${JSON.stringify(HOSTILE)}
    inputs:
      note: { type: text, maxLength: 100, description: ${JSON.stringify(HOSTILE)} }
      many: { type: integer, min: 1, max: 9 }
      day: { type: date, nullable: true }
      size: { type: text, oneOf: [small, large] }
    tasks:
      show:
        description: ${JSON.stringify(HOSTILE)}
        target: orders-prod
        ${BY}
        contract:
          does:
            - name: show
              statement: SELECT $1::text AS said
              values: { $1: { type: text, input: note } }
          outputs: { said: { of: show, columns: [said], keep: true } }
  sixty:
    tasks:${Array.from({ length: 60 }, (_, at) => {
      const layer = Math.floor(at / 6);
      const before =
        layer === 0 ? [] : [0, 2, 3].map((step) => `t${(layer - 1) * 6 + ((at * 5 + step) % 6)}`);
      return task(`t${at}`, [...new Set(before)], select('id'));
    }).join('')}
`;

const RULES = ['diamond', 'asking', 'hostile', 'sixty']
  .map(
    (workflow) => `  - name: ${workflow}-work
    groups: [developers]
    targets: [orders-prod]
    allow: [connect]
    when: { task: ${workflow}/* }
`,
  )
  .join('');

export async function withWorkflows(gateway: LocalGateway): Promise<void> {
  await reconfigure(gateway, (text) =>
    text
      .replace(/^workflows:.*\n/m, (line) => line + WORKFLOWS)
      .replace('  - name: refunds-work', `${RULES}  - name: refunds-work`),
  );
}

/** The CLI as the developer uses it. */
export async function asDana(gateway: LocalGateway, ...args: readonly string[]): Promise<Ran> {
  // A home of its own: the CLI keeps others out of it, and PostgreSQL's user passes through the gateway's folder.
  const home = join(gateway.dataDir, 'dana');
  const env = await gateway.cliEnvironment('developer', home);
  return custody(args, { env: { ...env, HOME: home } });
}

/** A run that the developer started, by its id. */
export async function started(gateway: LocalGateway, workflow: string, inputs: object = {}): Promise<string> {
  const body = { workflow, inputs };
  return (await apiAs(gateway, 'developer').post<{ id: string }>('/v1/runs', body)).id;
}
