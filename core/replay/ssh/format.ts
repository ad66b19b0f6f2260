import type { Shown } from '../step.ts';
import type { ShownData } from '../tally.ts';
import { escapeLines, escapeTerminal } from '../text.ts';
import { fileWords, gitWords } from './files/words.ts';
import type {
  ShownAddress,
  ShownForward,
  ShownKey,
  ShownProgram,
  ShownPty,
  ShownRequest,
  SshOutcome,
  SshStep,
} from './step.ts';

/** Texts of a session begin here, so that no line of theirs can pass for one of ours. */
const INDENT = ' '.repeat(13);

/** A step as a person reads it: when, what, what came of it. Safe for a terminal (security case 18). */
export function formatSshStep(step: SshStep): string {
  const channel = step.channel === undefined ? '' : `#${step.channel} `;
  const [headline, ...lines] = linesOf(step);
  const ending = endingText(step);
  const all = [`${timeText(step.at)}  ${channel}${headline}`, ...lines.map((line) => INDENT + line)];
  return (ending === '' ? all : [...all, INDENT + ending]).join('\n');
}

/** Seconds since the session's start, as wide as an hour takes. */
function timeText(us: number): string {
  return `${(us / 1e6).toFixed(3).padStart(9)} s`;
}

function linesOf(step: SshStep): string[] {
  switch (step.kind) {
    case 'login':
      return loginLines(step);
    case 'exec':
      return [...indentedLines(`exec ${shownText(step.command)}`), ...programLines(step.program)];
    case 'subsystem':
      return [...indentedLines(`subsystem ${shownText(step.command)}`), ...programLines(step.program)];
    case 'shell':
      return ['shell', ...programLines(step.program)];
    case 'session':
      return [`session channel without a program${refusalText(step)}`, ...programLines(step.program)];
    case 'command':
      return indentedLines(`typed, by ${foundText(step)}: ${shownText(step.command)}`);
    case 'file':
      return step.file === undefined ? ['file'] : fileWords(step).split('\n');
    case 'git':
      return step.git === undefined ? ['git'] : [...gitWords(step)];
    case 'forward':
      return step.forward === undefined ? ['forward'] : forwardLines(step.forward, refusalText(step));
    case 'listen':
      return [`${step.request?.type ?? 'listen'} ${addressText(step.listen)}`];
    case 'request':
      return [`request ${requestText(step.request)}`];
    case 'said':
      return indentedLines(`the gateway said: ${shownText(step.said)}`);
    case 'note':
      return [`note ${escapeTerminal(JSON.stringify(step.note ?? {}))}`];
    case 'damaged':
      return [`DAMAGED: ${escapeTerminal(step.text ?? '')}`];
    case 'end':
      return [`end: ${escapeTerminal(step.text ?? '')}`];
  }
}

function loginLines({ login, note }: SshStep): string[] {
  if (login === undefined) return ['login'];
  const { user, methods, keys = [], accepted } = login;
  const words = [`login of ${user}`, methods.join(', then '), accepted ? '' : 'not let in'];
  return [
    escapeTerminal(words.filter(Boolean).join(', ')),
    ...keys.map(keyText),
    ...(note === undefined ? [] : [`note ${escapeTerminal(JSON.stringify(note))}`]),
  ];
}

function keyText({ algorithm, fingerprint, certificate }: ShownKey): string {
  const certified =
    certificate === undefined ? '' : `, certificate ${certificate.serial} (${certificate.keyId})`;
  return escapeTerminal(`by the key ${algorithm} ${fingerprint}${certified}`);
}

function programLines(program: ShownProgram | undefined): string[] {
  if (program === undefined) return [];
  const {
    pty,
    env = [],
    signals = [],
    requests = [],
    input,
    output,
    errors,
    said,
    forced,
    commands,
  } = program;
  const variables = env.map(
    ({ name, value, outcome }) =>
      `${escapeTerminal(name)}=${escapeTerminal(value.text)}${isNo(outcome) ? ` (${outcome})` : ''}`,
  );
  return [
    ...(forced === undefined ? [] : indentedLines(`in its place ran ${shownText(forced)}`)),
    ...(pty === undefined ? [] : [ptyText(pty)]),
    ...(variables.length === 0 ? [] : [`env ${variables.join(' ')}`]),
    ...(signals.length === 0 ? [] : [`signals ${escapeTerminal(signals.join(' '))}`]),
    ...requests.map((request) => `request ${requestText(request)}`),
    ...dataLines('in', input),
    ...dataLines('out', output),
    ...dataLines('stderr', errors),
    ...dataLines('the gateway said', said),
    ...(commands === undefined ? [] : [`${commands} typed ${commands === 1 ? 'line' : 'lines'} found`]),
  ];
}

function ptyText({ term, columns, rows, resized }: ShownPty): string {
  const times = resized === 0 ? '' : `, resized ${resized} ${resized === 1 ? 'time' : 'times'}`;
  return `terminal ${escapeTerminal(term)} ${columns}x${rows}${times}`;
}

function dataLines(name: string, data: ShownData | undefined): string[] {
  if (data === undefined) return [];
  const { bytes, sha256, sample, withheld } = data;
  const words = [
    `${bytes} bytes`,
    withheld !== undefined && `${withheld} of them withheld`,
    sha256 !== undefined && `sha256 ${sha256}`,
  ];
  const text = escapeLines(sample.text).trimEnd();
  const head = `${name}: ${words.filter(Boolean).join(', ')}`;
  return text === '' ? [head] : [head, ...`${text}${remarks(sample)}`.split('\n').map((line) => `| ${line}`)];
}

function forwardLines({ kind, type, to, from, sent, received }: ShownForward, refusal: string): string[] {
  const words = [
    `${kind} forward (${escapeTerminal(type)})`,
    to !== undefined && `to ${addressText(to)}`,
    from !== undefined && `from ${addressText(from)}`,
  ];
  return [
    words.filter(Boolean).join(' ') + refusal,
    ...dataLines('from the client', sent),
    ...dataLines('from the target', received),
  ];
}

function addressText(address: ShownAddress | undefined): string {
  if (address === undefined) return '';
  const host = address.host === '' ? '(any address)' : escapeTerminal(address.host);
  return address.port === undefined ? host : `${host}:${address.port}`;
}

function requestText(request: ShownRequest | undefined): string {
  if (request === undefined) return '';
  const { type, outcome, words } = request;
  const ending = [outcome, words].filter(Boolean).join(': ');
  return escapeTerminal(ending === '' ? type : `${type}: ${ending}`);
}

function isNo(outcome: SshOutcome | undefined): boolean {
  return outcome === 'refused' || outcome === 'denied';
}

function refusalText({ refusal }: SshStep): string {
  return refusal === undefined ? '' : `: ${escapeTerminal(refusal.message)} (reason ${refusal.code})`;
}

function foundText({ foundBy, prompt }: SshStep): string {
  const by = foundBy === 'marks' ? "the shell's marks" : 'the screen';
  return prompt === undefined ? by : `${by}, after ${escapeTerminal(prompt.text.trim())}`;
}

function shownText(shown: Shown | undefined): string {
  return shown === undefined ? '(not known)' : escapeLines(shown.text).trimEnd() + remarks(shown);
}

function remarks({ cut, bytes, undecoded }: Shown): string {
  return (cut ? `… (${bytes} bytes in all)` : '') + (undecoded ? ' [not all text]' : '');
}

function indentedLines(text: string): string[] {
  return text.split('\n');
}

/** How it ended, and how long it took. */
function endingText({ kind, outcome, took, program, exitStatus, text }: SshStep): string {
  if (outcome === undefined && exitStatus === undefined) return '';
  const status = exitStatus ?? program?.exitStatus;
  const signal = program?.exitSignal;
  const words = [
    outcome === 'denied' || outcome === 'ended' ? `${outcome} by the gateway` : outcome,
    text !== undefined && escapeTerminal(text),
    status !== undefined && `exit status ${status}`,
    signal && `signal ${escapeTerminal(signal.name)} ${escapeTerminal(signal.message)}`.trimEnd(),
    kind !== 'listen' && kind !== 'request' && `${(took / 1000).toFixed(took < 10_000 ? 2 : 0)} ms`,
  ];
  return words.filter(Boolean).join(', ');
}
