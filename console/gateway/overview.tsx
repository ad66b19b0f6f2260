/** What the configuration says, as tables that open. */
import type { ComponentChildren } from 'preact';
import type { Configuration } from '../api/gateway.ts';
import { durationText } from '../parts/duration.ts';
import { shown } from '../parts/text.ts';

type Row = readonly ComponentChildren[];

export function TargetsOverview({ targets }: Pick<Configuration, 'targets'>) {
  const rows = targets.map(
    ({ name, protocol, address, logins, sandboxOf, durability, windowMs, keepDays }): Row => [
      <strong key="name">{shown(name)}</strong>,
      shown(protocol),
      address === undefined ? `made of ${shown(sandboxOf ?? '?')}` : shown(address),
      logins === undefined ? '–' : list(logins),
      windowMs === undefined ? durability : `at most ${durationText(windowMs)} lost`,
      `${Math.round(keepDays)} d`,
    ],
  );
  const heads = ['Target', 'Protocol', 'Address', 'Logins', 'Durability', 'Kept'];
  return <Overview what="targets" heads={heads} rows={rows} />;
}

export function RulesOverview({ rules }: Pick<Configuration, 'rules'>) {
  const rows = rules.map(
    (rule): Row => [
      <strong key="name">{shown(rule.name)}</strong>,
      <span key="effect" class={`badge ${rule.effect === 'deny' ? 'bad' : 'good'}`}>
        {rule.effect}
      </span>,
      rule.actions.join(', '),
      list(rule.targets),
      `${list(rule.groups)}${rule.issuer === undefined ? '' : ` of ${shown(rule.issuer)}`}`,
      needText(rule),
    ],
  );
  const heads = ['Rule', 'Effect', 'Actions', 'Targets', 'For', 'Needs'];
  return <Overview what="rules" heads={heads} rows={rows} />;
}

function needText({ needs, when, forActors }: Configuration['rules'][number]): string {
  const parts = [
    ...(needs?.kind === 'approval' ? [`${needs.approvals} of ${list(needs.reviewers)}`] : []),
    ...(needs?.kind === 'break-glass' ? ['breaking the glass'] : []),
    ...when,
    ...(forActors ? ['somebody acting for them'] : []),
  ];
  return parts.join('; ') || '–';
}

export function IssuersOverview({ issuers }: Pick<Configuration, 'issuers'>) {
  const rows = issuers.map(
    ({ name, issuer, kind, audience, groupsPrefix }): Row => [
      <strong key="name">{shown(name)}</strong>,
      kind === 'person' ? 'people' : 'workloads',
      shown(issuer),
      list(audience),
      shown(groupsPrefix) || '–',
    ],
  );
  const heads = ['Issuer', 'Of', 'Address', 'Audience', 'Prefix of groups'];
  return <Overview what="issuers" heads={heads} rows={rows} />;
}

interface OverviewProps {
  readonly what: string;
  readonly heads: readonly string[];
  readonly rows: readonly Row[];
}

function Overview({ what, heads, rows }: OverviewProps) {
  return (
    <details class="card overview">
      <summary>
        {rows.length} {rows.length === 1 ? what.slice(0, -1) : what}
      </summary>
      <div class="scroll-x" tabIndex={0} role="region" aria-label={`The configuration’s ${what}`}>
        <table>
          <thead>
            <tr>
              {heads.map((head) => (
                <th key={head} scope="col">
                  {head}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((cells, at) => (
              <tr key={at}>
                {cells.map((cell, column) => (
                  <td key={heads[column]}>{cell}</td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function list(names: readonly string[]): string {
  return names.map((name) => (name === '*' ? 'all' : shown(name))).join(', ');
}
