/** Two answers to the same. */

import type { ShownReport } from '../../postgres/step.ts';
import type { Difference } from '../report.ts';
import { compareRows } from './compare-rows.ts';
import { areAlikeButMoments } from './explain.ts';
import { Found, type Rules } from './found.ts';
import type { Answered } from './side.ts';

const CANCELED = '57014';
/** Types of an extension or of a user have numbers of their own in each database. */
const OWN_TYPES = 16_384;
/** What of it is not of the server: its message names processes, numbers of relations, or times. */
const DETAIL_DIFFERS = new Set(['40P01', '55P03', CANCELED]);

/** What differs; nothing where they are the same. */
export function compareAnswers(recorded: Answered, rerun: Answered, rules: Rules): Difference[] {
  const { step, number } = recorded;
  const found = new Found(number, step.statement?.text);
  if (step.outcome === 'unfinished') return [];
  if (step.kind === 'login') return compareLogins(recorded, rerun, found);
  found.perhaps = perhapsOf(recorded, rules);
  if (recorded.isOfGateway && !rerun.isOfGateway) found.because = 'gateway';
  if (step.kind !== rerun.step.kind && !isOfOneKind(recorded, rerun))
    found.add('kind', step.kind, rerun.step.kind);
  if (step.outcome !== rerun.step.outcome) found.add('outcome', outcomeOf(recorded), outcomeOf(rerun));
  else compareErrors(recorded, rerun, rules, found);
  if (step.outcome !== 'failed' && rerun.step.outcome === step.outcome)
    compareResults(recorded, rerun, rules, found);
  compareReports(recorded, rerun, rules, found);
  return found.differences;
}

/** What no rule allows may have a reason all the same. */
function perhapsOf({ step, number, meaning }: Answered, { flows }: Rules): string | undefined {
  const flow = flows.into(step, number);
  if (flow !== undefined || meaning.isChosenByClock !== true) return flow;
  return 'what it finds depends on when it runs, which is later than it was';
}

/** A statement that fails before it is known to be a COPY is none. */
function isOfOneKind(recorded: Answered, rerun: Answered): boolean {
  return (
    recorded.step.outcome === 'failed' || rerun.step.outcome === 'failed' || rerun.step.outcome === 'skipped'
  );
}

export function outcomeOf({ step: { outcome, error, tag } }: Pick<Answered, 'step'>): string {
  const what = error === undefined ? tag : errorText(error);
  return what === undefined ? (outcome ?? 'nothing') : `${outcome ?? 'error'}: ${what}`;
}

function errorText({ severity, sqlstate, message, detail }: ShownReport): string {
  return `${severity} ${sqlstate} ${message}${detail === undefined ? '' : ` (${detail})`}`;
}

/** Where both servers say what they are. */
function compareLogins(recorded: Answered, rerun: Answered, found: Found): Difference[] {
  if (recorded.step.outcome !== rerun.step.outcome)
    found.add('outcome', outcomeOf(recorded), outcomeOf(rerun));
  const [was, is] = [recorded.step.login?.settings, rerun.step.login?.settings];
  for (const name of new Set([...(was?.keys() ?? []), ...(is?.keys() ?? [])])) {
    const [one, other] = [was?.get(name), is?.get(name)];
    if (one === other || name.startsWith('custody.')) continue;
    found.add('setting', `${name}: ${one ?? 'not told'}`, `${name}: ${other ?? 'not told'}`, {
      because: 'server',
    });
  }
  return found.differences;
}

function compareErrors(recorded: Answered, rerun: Answered, rules: Rules, found: Found): void {
  const [was, is] = [recorded.step.error, rerun.step.error];
  if (was === undefined || is === undefined) return;
  if (was.sqlstate !== is.sqlstate) return found.add('error', errorText(was), errorText(is));
  const isDetail = !DETAIL_DIFFERS.has(was.sqlstate) && was.detail !== is.detail;
  if (was.message === is.message && !isDetail) return;
  const because = errorBecause(errorText(was), errorText(is), rules);
  found.add('error', errorText(was), errorText(is), because === undefined ? {} : { because });
}

function errorBecause(recorded: string, rerun: string, { words, moments }: Rules): string | undefined {
  if (words.has('message')) return 'message';
  return areAlikeButMoments(recorded, rerun, moments) ? 'now' : undefined;
}

function compareResults(recorded: Answered, rerun: Answered, rules: Rules, found: Found): void {
  const columns = columnsText(recorded);
  if (columns !== columnsText(rerun)) found.add('columns', columns, columnsText(rerun));
  compareRows(recorded, rerun, rules, found);
  if (recorded.step.tag !== rerun.step.tag && !found.differences.some(({ kind }) => kind === 'count')) {
    const because = recorded.meaning.rowsBecause;
    found.add('tag', recorded.step.tag, rerun.step.tag, because === undefined ? {} : { because });
  }
}

function columnsText({ step: { columns } }: Answered): string | undefined {
  return columns?.map(({ name, type }) => `${name} ${type < OWN_TYPES ? type : 'own type'}`).join(', ');
}

/** Notices, settings that were told, and what became of the transaction. */
function compareReports(recorded: Answered, rerun: Answered, { words }: Rules, found: Found): void {
  const notices = [recorded, rerun].map(({ step }) => (step.notices ?? []).map(noticeText).join('; '));
  if (notices[0] !== notices[1])
    found.add('notice', notices[0], notices[1], words.has('notice') ? { because: 'notice' } : {});
  const settings = [recorded, rerun].map((answered) =>
    answered.settings.map((pair) => pair.join(': ')).join('; '),
  );
  if (settings[0] !== settings[1])
    found.add('setting', settings[0], settings[1], words.has('setting') ? { because: 'setting' } : {});
  const [was, is] = [recorded.status, rerun.status];
  if (was === undefined || is === undefined || was === is) return;
  found.add(
    'transaction',
    STATUS[was] ?? was,
    STATUS[is] ?? is,
    words.has('transaction') ? { because: 'transaction' } : {},
  );
}

const STATUS: Readonly<Record<string, string>> = {
  I: 'idle',
  T: 'in a transaction',
  E: 'in a failed transaction',
};

function noticeText({ severity, sqlstate, message }: ShownReport): string {
  return `${severity} ${sqlstate} ${message}`;
}
