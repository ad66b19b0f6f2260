import type { Shown } from '../step.ts';
import { escapeLines, escapeTerminal, UNDECODED } from '../text.ts';
import type { ShownReport, Step } from './step.ts';
import { formatTable } from './table.ts';

/** Texts of a session begin here, so that no line of theirs can pass for one of ours. */
const INDENT = ' '.repeat(13);

/** A step as a person reads it: when, what was asked, the answer, how it ended. Safe for a terminal (case 18). */
export function formatStep(step: Step, width: number): string {
  const lines = [`${timeText(step.at)}  ${indented(headline(step))}`, ...detailLines(step)];
  if (step.columns !== undefined || (step.rowCount ?? 0) > 0) {
    lines.push(formatTable(step, { width, nullText: '∅' }));
  }
  const ending = endingText(step);
  return (ending === '' ? lines : [...lines, `${INDENT}${ending}`]).join('\n');
}

/** Seconds since the session's start, as wide as an hour takes. */
function timeText(us: number): string {
  return `${(us / 1e6).toFixed(3).padStart(9)} s`;
}

function headline(step: Step): string {
  switch (step.kind) {
    case 'login':
      return loginText(step);
    case 'prepare':
      return `prepare ${nameText(step)}: ${statementText(step)}`;
    case 'notification': {
      const { channel, payload, undecoded } = step.notification!;
      return `notification on ${escapeTerminal(channel)}${marked(undecoded)}: ${shownText(payload)}`;
    }
    case 'cancel':
      return `cancel request ${noteText(step)}`.trimEnd();
    case 'note':
      return `note ${noteText(step)}`;
    case 'end':
      return `end: ${escapeTerminal(step.text ?? '')}`;
    case 'damaged':
      return `DAMAGED: ${escapeTerminal(step.text ?? '')}`;
    case 'notice':
    case 'error':
      return `${step.kind} of the server`;
    default:
      return statementText(step);
  }
}

function loginText({ login }: Step): string {
  if (login === undefined) return 'login';
  const { user, database, application, protocol, authentication, settings, undecoded } = login;
  const server = settings.get('server_version');
  const words = [
    `login of ${user} to ${database}`,
    application && `application ${application}`,
    `protocol ${protocol}`,
    authentication.length > 0 && authentication.join(' then '),
    server && `server ${server}`,
  ];
  return escapeTerminal(words.filter(Boolean).join(', ')) + marked(undecoded);
}

function statementText(step: Step): string {
  const part = (step.part ?? 1) > 1 ? `(part ${step.part}) ` : '';
  if (step.statement === undefined && step.kind === 'copy-in') return 'data that no COPY takes';
  if (step.statement === undefined) return `${part}${step.kind}, of which the statement is not known`;
  return part + shownText(step.statement);
}

function nameText({ name, undecoded }: Step): string {
  return name ? escapeTerminal(name) + marked(undecoded) : 'without a name';
}

function marked(undecoded: true | undefined): string {
  return undecoded ? UNDECODED : '';
}

function noteText({ note }: Step): string {
  return note === undefined ? '' : escapeTerminal(JSON.stringify(note));
}

function detailLines(step: Step): string[] {
  const meant = step.runs === undefined ? [] : [`runs: ${shownText(step.runs)}`];
  const doubts = step.doubt === undefined ? [] : [`NOT CERTAIN: ${escapeTerminal(step.doubt)}`];
  const values = step.values?.map((value, at) => `$${at + 1} = ${valueText(value)}`) ?? [];
  const copied = step.copy === undefined ? [] : [shownText(step.copy.sample)];
  const notices = step.notices?.flatMap(reportLines) ?? [];
  if (step.noticesLeftOut !== undefined) notices.push(`(${step.noticesLeftOut} more notices)`);
  const errors = step.error === undefined ? [] : reportLines(step.error);
  return [...meant, ...doubts, ...values, ...copied, ...notices, ...errors].map(
    (text) => INDENT + indented(text),
  );
}

function valueText(value: Shown | null): string {
  return value === null ? 'NULL' : `'${escapeTerminal(value.text)}'${remarks(value)}`;
}

function shownText(shown: Shown): string {
  return escapeLines(shown.text).trimEnd() + remarks(shown);
}

function remarks({ cut, bytes, undecoded }: Shown): string {
  return (cut ? moreText(bytes) : '') + marked(undecoded);
}

function moreText(bytes: number): string {
  return `… (${bytes} bytes in all)`;
}

function reportLines(report: ShownReport): string[] {
  const { severity, sqlstate, position, cut, undecoded } = report;
  const text = (field: 'message' | 'detail' | 'hint' | 'where'): string => {
    const bytes = cut?.[field];
    return escapeLines(report[field] ?? '') + (bytes === undefined ? '' : moreText(bytes));
  };
  const at = position === undefined ? '' : ` (at character ${escapeLines(position)})`;
  const lines = [`${escapeLines(`${severity} ${sqlstate}`)}: ${text('message')}${at}${marked(undecoded)}`];
  if (report.detail !== undefined) lines.push(`detail: ${text('detail')}`);
  if (report.hint !== undefined) lines.push(`hint: ${text('hint')}`);
  return lines;
}

function indented(text: string): string {
  return text.replaceAll('\n', `\n${INDENT}`);
}

/** How it ended, and how long it took. */
function endingText({ outcome, tag, copy, took, transaction }: Step): string {
  if (outcome === undefined) return '';
  const words = [
    outcome === 'completed' ? escapeTerminal(tag ?? 'done') : outcome,
    copy && `${copy.messages} messages, ${copy.bytes} bytes`,
    `${(took / 1000).toFixed(took < 10_000 ? 2 : 0)} ms`,
    transaction && `in ${transaction === 'open' ? 'an open' : 'a failed'} transaction`,
  ];
  return words.filter(Boolean).join(', ');
}
