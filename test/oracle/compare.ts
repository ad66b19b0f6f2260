import type { ShownReport, Step } from '#core/replay/postgres/step.ts';
import type { Shown, Undecoded } from '#core/replay/step.ts';
import type { Move } from './generate.ts';
import type { LogEntry } from './server.ts';

/** The server cannot say an error in the client's encoding, and says this in its place. */
const UNSAYABLE = /^(?:invalid byte sequence for encoding|character with byte sequence .* has no equivalent)/;
/** In claims: bytes that the step itself says are not decoded. */
const BYTES = '\ue000';

/** What the server's log says, or a step claims, that it did. */
interface Event {
  readonly kind: 'statement' | 'execute' | 'error';
  readonly text: string;
  readonly name?: string;
  readonly values?: string;
  /** Of a step that failed: the server may have failed before it wrote about it. */
  readonly optional?: boolean;
  /** Of a step: it says itself that it is not sure. */
  readonly doubt?: boolean;
}

/** What of the log and the steps do not agree; empty when they do. */
export function disagreements(
  steps: readonly Step[],
  log: readonly LogEntry[],
  sent: readonly Move[],
  wasLost: boolean,
): string[] {
  return [
    ...outOfOrder(steps.flatMap(claimed), log.flatMap(logged), wasLost),
    ...steps.flatMap(contradicted),
    ...steps.flatMap(foreign),
    ...(wasLost ? [] : miscounted(steps, sent)),
    ...needless(steps, sent),
  ];
}

function logged({ error_severity: severity, message, detail = '' }: LogEntry): Event[] {
  if (severity === 'ERROR' || severity === 'FATAL') return [{ kind: 'error', text: message }];
  if (severity !== 'LOG') return [];
  const statement = /^statement: ([^]*)$/.exec(message);
  if (statement !== null) return [{ kind: 'statement', text: statement[1]! }];
  const execute = /^execute (?:fetch from )?(.*?)(?:\/[^:]*)?: ([^]*)$/.exec(message);
  if (execute === null) return [];
  const values = /^Parameters: ([^]*)$/.exec(detail)?.[1] ?? '';
  return [{ kind: 'execute', name: execute[1]!, text: execute[2]!, values }];
}

function claimed(step: Step): Event[] {
  const error: Event[] =
    step.error === undefined ? [] : [{ kind: 'error', text: marked(step.error.message, step.error) }];
  if (step.kind === 'damaged' || step.kind === 'unmatched')
    return [{ kind: 'error', text: `STEP ${step.kind}` }];
  if (step.outcome === 'skipped') return error;
  const doubt = step.doubt !== undefined;
  const optional = step.outcome === 'failed' || step.outcome === 'unfinished';
  const text = shownText(step.statement);
  if (step.kind === 'function-call' || step.kind === 'login' || step.kind === 'prepare') return error;
  if (step.part === 1) return [{ kind: 'statement', text, optional, doubt }, ...error];
  if (step.part !== undefined || step.kind === 'error' || step.kind === 'notice') return error;
  if (!/^(?:execute|copy-)/.test(step.kind) || step.outcome === 'empty') return error;
  const values = (step.values ?? []).map((value, at) => `$${at + 1} = ${valueText(value)}`).join(', ');
  return [
    { kind: 'execute', text, name: marked(step.name, step) || '<unnamed>', values, optional, doubt },
    ...error,
  ];
}

function valueText(value: Shown | null): string {
  return value === null ? 'NULL' : `'${shownText(value).replaceAll("'", "''")}'`;
}

function shownText(shown: Shown | undefined): string {
  return marked(shown?.text, shown);
}

/** As many marks as there are bytes that are not decoded. */
function marked(text = '', { undecoded }: Undecoded = {}): string {
  return undecoded ? text.replace(/\\x[0-9a-f]{2}/g, BYTES) : text;
}

/** What the server said last is not received when it hangs up on a client that still sends. */
function outOfOrder(claims: readonly Event[], log: readonly Event[], wasLost: boolean): string[] {
  let at = 0;
  for (const claim of claims) {
    const entry = log[at];
    if (entry !== undefined && agree(claim, entry))
      at += isInPlaceOf(entry, claim) && isUnsayable(log[at + 1]) ? 2 : 1;
    else if (claim.optional !== true)
      return [`step ${show(claim)}\n     log ${entry === undefined ? 'ends' : show(entry)}`];
  }
  return at < log.length && !wasLost ? [`no step for log ${show(log[at]!)}`] : [];
}

function isInPlaceOf(entry: Event, claim: Event): boolean {
  return isUnsayable(claim) && !isSame(claim.text, entry.text);
}

function isUnsayable(event: Event | undefined): boolean {
  return event?.kind === 'error' && UNSAYABLE.test(event.text);
}

function agree(claim: Event, entry: Event): boolean {
  if (claim.kind !== entry.kind) return false;
  if (isUnsayable(claim)) return true;
  if (claim.doubt === true || (claim.text === '' && claim.optional === true)) return true;
  if (isSame(claim.text, entry.text)) return claim.kind !== 'execute' || agreeOnNames(claim, entry);
  // What SQL prepared or declared is written with the whole text that it came in.
  return (
    claim.kind === 'execute' &&
    claim.text !== '' &&
    /prepare|declare/i.test(entry.text) &&
    entry.text.includes(claim.text)
  );
}

/** What stands as bytes, of half a character or of an encoding that is not certain, may be any characters of that length. */
function isSame(claimed: string, logged: string): boolean {
  if (!claimed.includes(BYTES)) return claimed === logged;
  const literal = claimed.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal.replace(/\ue000+/g, ({ length }) => `[^]{1,${length}}`)}$`).test(logged);
}

function agreeOnNames(claim: Event, entry: Event): boolean {
  const isLong = Buffer.byteLength(claim.name!) > 60;
  // In a transaction that has failed, the server does not write values down.
  const isUnwritten = claim.optional === true && entry.values === '';
  return (
    (isLong || isSame(claim.name!, entry.name!)) && (isUnwritten || isSame(claim.values!, entry.values!))
  );
}

function show({ kind, text, name, values }: Event): string {
  return [kind, name, JSON.stringify(text), values].filter((one) => one !== undefined).join(' ');
}

/** Rows and errors name the text that they come from. */
function contradicted(step: Step): string[] {
  if (step.doubt !== undefined || step.kind === 'prepare') return [];
  const text = step.runs ?? step.statement;
  const said = [...(step.rows ?? []).map(([first]) => first), quotedBy(step.error)];
  const marks = said.filter((one) => one && /^m\d/.test(one.text));
  return marks.flatMap((mark) =>
    text !== undefined && isPart(mark!, text)
      ? []
      : [`the answer is of ${mark!.text}, the step shows ${text?.text}`],
  );
}

/** Letters that the answer has, and what was asked has not: whatever is said here beyond ASCII repeats what was asked. */
function foreign(step: Step): string[] {
  const asked = [step.statement, step.runs, ...(step.values ?? [])].filter(
    (one) => one !== undefined && one !== null,
  );
  if (step.doubt !== undefined || asked.length === 0 || asked.some(({ undecoded }) => undecoded)) return [];
  const raised = (step.notices ?? []).filter(({ sqlstate }) => sqlstate === '00000');
  const said = [
    ...(step.rows ?? []).flat(),
    step.kind === 'copy-out' ? step.copy?.sample : undefined,
    ...raised.map(messageOf),
  ];
  const letters = said.flatMap((one) =>
    one && !one.undecoded ? (one.text.match(/[^\0-\x7f]+/g) ?? []) : [],
  );
  return letters
    .filter((letter) => !asked.some(({ text }) => text.includes(letter)))
    .map((letter) => `the answer says ${letter}, which ${asked.map(({ text }) => text).join(', ')} does not`);
}

function messageOf({ message, undecoded }: ShownReport): Shown {
  return { text: message, bytes: 0, cut: false, ...(undecoded && { undecoded }) };
}

function quotedBy(error: ShownReport | undefined): Shown | undefined {
  const text = /"(m\d+[^"]*)"/.exec(error?.message ?? '')?.[1];
  return text === undefined
    ? undefined
    : { text, bytes: 0, cut: false, ...(error?.undecoded && { undecoded: true }) };
}

/** Where one of them stands as bytes, the letters cannot be compared. The server says names in small letters. */
function isPart(mark: Shown, text: Shown): boolean {
  const isPlain = !mark.undecoded && !text.undecoded;
  return text.text.toLowerCase().includes(isPlain ? mark.text.toLowerCase() : /^m\d+/.exec(mark.text)![0]);
}

/** Every message that is to be shown is, once. */
function miscounted(steps: readonly Step[], sent: readonly Move[]): string[] {
  const count = (letter: string): number => sent.filter(({ label }) => label.startsWith(letter)).length;
  const sum = (of: (step: Step) => number): number => steps.reduce((total, step) => total + of(step), 0);
  const isDiscarded = ({ kind, outcome, statement }: Step): boolean =>
    kind === 'copy-in' && outcome === 'skipped' && statement === undefined;
  const isExecution = (step: Step): boolean =>
    step.part === undefined && /^(?:execute|copy-)/.test(step.kind) && !isDiscarded(step);
  const found = {
    Q:
      sum(({ part }) => (part === 1 ? 1 : 0)) -
      sum(({ part, outcome }) => (part === 1 && outcome === 'empty' ? 0 : 0)),
    E: sum((step) => (isExecution(step) ? 1 : 0)),
    d: sum(({ copy, kind }) => (kind === 'copy-in' ? (copy?.messages ?? 0) : 0)),
    F: sum(({ kind }) => (kind === 'function-call' ? 1 : 0)),
  };
  const wrong = Object.entries(found).filter(([letter, number]) => number !== count(letter));
  return wrong.map(([letter, number]) => `${count(letter)} ${letter} were sent, ${number} are shown`);
}

/** A doubt needs a reason: code that cannot be seen ran, or a setting changed how texts are read. */
function needless(steps: readonly Step[], sent: readonly Move[]): string[] {
  const hasReason = sent.some(({ label }) =>
    /\bdo\b|rename|encod|noticed|\bnames\b|standard_conforming/i.test(label.slice(2)),
  );
  const doubtful = steps.filter(({ doubt, outcome }) => doubt !== undefined && outcome === 'completed');
  return hasReason
    ? []
    : doubtful.map(({ doubt, statement }) => `needless doubt: ${doubt}: ${statement?.text}`);
}
