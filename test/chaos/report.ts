import type { AuditReport } from '#core/ledger/audit.ts';
import { type DurabilityMode, durabilityModes } from '#core/recording/format.ts';
import type { Checked } from './check.ts';
import type { CheckedTasks } from './tasks.ts';

export interface ChaosRun {
  readonly seed: number;
  readonly done: readonly {
    readonly round: { readonly fault: { readonly kind: string }; readonly diedAt: number | undefined };
    readonly checked: Checked;
    /** Of the round's SSH sessions. */
    readonly ssh?: Checked | undefined;
  }[];
  readonly injected: readonly { readonly fault: string; readonly point: string }[];
  /** Where sessions came as tasks. */
  readonly tasks?: CheckedTasks;
  readonly audit: AuditReport;
  readonly json: boolean;
}

export function renderChaos(run: ChaosRun): string {
  const figures = figuresOf(run);
  return run.json ? `${JSON.stringify(figures)}\n` : table(figures);
}

function figuresOf({ seed, done, injected, tasks, audit }: ChaosRun) {
  const ssh = done.flatMap((round) => round.ssh ?? []);
  return {
    seed,
    rounds: done.length,
    kills: count(done.map(({ round }) => round.fault.kind)),
    injected: count(injected.map(({ fault, point }) => `${fault} at ${point}`)),
    gatewayDied: done.filter(({ round }) => round.diedAt !== undefined).length,
    ...sumsOf(done.map(({ checked }) => checked)),
    ...(ssh.length === 0 ? {} : { ssh: sumsOf(ssh) }),
    ...(tasks === undefined ? {} : { tasks }),
    audit: { ...audit.facts, findings: audit.findings.length },
  };
}

function sumsOf(checks: readonly Checked[]) {
  const sum = (of: (checked: Checked) => number): number =>
    checks.reduce((total, checked) => total + of(checked), 0);
  const spans = checks.flatMap(({ lostSpansMs }) => lostSpansMs).sort((a, b) => a - b);
  const byMode = (of: (checked: Checked, mode: DurabilityMode) => number) =>
    Object.fromEntries(durabilityModes.map((mode) => [mode, sum((checked) => of(checked, mode))]));
  return {
    sessions: sum(({ sessions }) => sessions),
    recovered: sum(({ recovered }) => recovered),
    statements: sum(({ statements }) => statements),
    executed: byMode(({ executed }, mode) => executed[mode]),
    lost: byMode(({ lost }, mode) => lost[mode]),
    lostSpansMs: { sessions: spans.length, median: at(spans, 0.5), p90: at(spans, 0.9), max: at(spans, 1) },
    answersLost: sum(({ answersLost }) => answersLost),
    wrong: checks.flatMap(({ wrong }) => wrong),
  };
}

function table(figures: ReturnType<typeof figuresOf>): string {
  const rows = Object.entries(figures).map(([name, value]) => [
    name,
    typeof value === 'object' ? JSON.stringify(value) : String(value),
  ]);
  const width = Math.max(...rows.map(([name]) => name!.length));
  return `${rows.map(([name, value]) => `${name!.padEnd(width)}  ${value}`).join('\n')}\n`;
}

function count(words: readonly string[]): Record<string, number> {
  const groups = [...Map.groupBy(words, (word) => word)].map(([word, all]) => [word, all.length] as const);
  return Object.fromEntries(groups.sort(([a], [b]) => a.localeCompare(b)));
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}
