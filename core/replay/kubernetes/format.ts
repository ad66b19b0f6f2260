import type { CarriedProtocol } from '../carried.ts';
import type { Shown } from '../step.ts';
import type { ShownData } from '../tally.ts';
import { escapeLines, escapeTerminal, fitWidth } from '../text.ts';
import { callText, isDiscovery } from './call-names.ts';
import type {
  KubernetesStep,
  ShownBody,
  ShownChange,
  ShownDiff,
  ShownForward,
  ShownProgram,
  ShownWatch,
} from './step.ts';

/** Texts of a session begin here, so that no line of theirs can pass for one of ours. */
const INDENT = ' '.repeat(13);
/** Lines of one sample. All of it is in the step's JSON. */
const LINES_MAX = 20;
/** Of one line, in columns. */
const LINE_COLUMNS = 400;
/** A value in a change, in columns. */
const VALUE_COLUMNS = 100;

type Format = (step: KubernetesStep, width: number) => string;

/** A step as a person reads it: when, what, what came of it. Safe for a terminal (security case 18). */
export function kubernetesFormat(carries: readonly CarriedProtocol[]): Format {
  const readers = new Map(carries.map(({ protocol, reader }) => [protocol, reader]));
  return (step, width) => {
    const { carried } = step;
    const reader = carried && readers.get(carried.protocol);
    const inner = reader
      ?.ofJson(carried!.step)
      .toText(Math.max(20, width - INDENT.length))
      .split('\n');
    const [headline, ...lines] = inner === undefined ? linesOf(step) : [carriedLine(step), ...inner];
    const channel = step.channel === undefined ? '' : `#${step.channel} `;
    return [`${timeText(step.at)}  ${channel}${headline}`, ...lines.map((line) => INDENT + line)].join('\n');
  };
}

/** Seconds since the session's start, as wide as an hour takes. */
function timeText(us: number): string {
  return `${(us / 1e6).toFixed(3).padStart(9)} s`;
}

function linesOf(step: KubernetesStep): string[] {
  switch (step.kind) {
    case 'login':
      return [`login ${identityText(step)}`, ...noteLines(step)];
    case 'begun':
      return [`${headText(step)} … goes on`];
    case 'call':
    case 'logs':
      return [headline(step), ...callLines(step)];
    case 'watch':
      return [headline(step), ...callLines(step), ...watchLines(step.watch)];
    case 'exec':
    case 'attach':
      return [headline(step), ...callLines(step), ...programLines(step.program)];
    case 'portforward':
      return [
        `${headline(step)}, ${step.forwards ?? 0} ${step.forwards === 1 ? 'connection' : 'connections'}`,
      ];
    case 'forward':
      return step.call === undefined ? forwardLines(step) : [headline(step), ...streamLines(step.forward)];
    case 'event':
      return [eventText(step), ...diffLines(step.diff)];
    case 'file':
      return [fileText(step)];
    case 'command':
      return [`typed, by ${foundText(step)}: ${shownText(step.command)}`, ...exitLines(step)];
    case 'carried':
      return [carriedLine(step)];
    case 'note':
      return [`note ${escapeTerminal(JSON.stringify(step.note ?? {}))}`];
    case 'damaged':
      return [`DAMAGED: ${escapeTerminal(step.text ?? '')}`];
    case 'end':
      return [`end: ${escapeTerminal(step.text ?? '')}`];
  }
}

/** `create pods/exec dev/web-0 [sh -c ls]` */
function headText({ call, command }: KubernetesStep): string {
  if (call === undefined) return '';
  const words = command === undefined ? '' : ` [${command.text}${command.cut ? '…' : ''}]`;
  return escapeTerminal(callText(call) + words);
}

/** Told in one line: each client asks for it before it does anything. All of it is in the step's JSON. */
function isAside({ call, outcome }: KubernetesStep): boolean {
  return call !== undefined && outcome === 'completed' && isDiscovery(call);
}

/** `… → 101, exit 7` */
function headline(step: KubernetesStep): string {
  const { call, program, outcome, cut, took } = step;
  if (call === undefined) return step.kind;
  const { status, reason, by, message } = call;
  const answer = [status ?? 'no answer', reason].filter(Boolean).join(' ');
  const words = [
    escapeTerminal(answer) + (by === 'gateway' ? ' by the gateway' : ''),
    program?.exitCode !== undefined && `exit ${program.exitCode}`,
    cut && `cut by the ${escapeTerminal([cut.by, cut.code].filter(Boolean).join(': '))}`,
    outcome === 'unfinished' && 'unfinished',
    `${(took / 1000).toFixed(took < 10_000 ? 2 : 0)} ms`,
    isAside(step) && `${call.response?.bytes ?? 0} bytes`,
  ];
  const said = message === undefined ? '' : `: ${escapeTerminal(message.text)}`;
  return `${headText(step)} → ${words.filter(Boolean).join(', ')}${said}`;
}

function callLines(step: KubernetesStep): string[] {
  const { kind, call, diff, cut } = step;
  if (call === undefined || isAside(step)) return [];
  const query = (call.query ?? []).map(({ name, value }) => `${name}=${value}`).join(' ');
  return [
    ...(query === '' ? [] : [`with ${escapeTerminal(query)}`]),
    ...(cut?.message === undefined ? [] : [escapeTerminal(cut.message)]),
    ...bodyLines('sent', call.request, diff === undefined),
    ...bodyLines('answer', call.response, kind === 'logs'),
    ...diffLines(diff),
  ];
}

function bodyLines(name: string, body: ShownBody | undefined, showsText: boolean): string[] {
  if (body === undefined) return [];
  const { why, type, readAs } = body;
  const more = [
    type && escapeTerminal(type),
    readAs && 'shown as JSON',
    why === 'digest' && 'kept as a digest',
  ];
  return dataLines(name, body, showsText, more.filter(Boolean) as string[]);
}

function dataLines(
  name: string,
  data: ShownData | undefined,
  showsText = true,
  more: string[] = [],
): string[] {
  if (data === undefined) return [];
  const { bytes, sha256, sample, withheld } = data;
  const words = [
    `${bytes} bytes`,
    ...more,
    withheld !== undefined && `${withheld} of them withheld`,
    sha256 !== undefined && `sha256 ${sha256}`,
  ];
  const text = showsText ? escapeLines(sample.text).trimEnd() : '';
  const head = `${name}: ${words.filter(Boolean).join(', ')}`;
  return text === '' ? [head] : [head, ...sampleLines(text, sample)];
}

function sampleLines(text: string, sample: Shown): string[] {
  const lines = text.split('\n');
  const shown = lines.slice(0, LINES_MAX).map((line) => `| ${fitWidth(line, LINE_COLUMNS)}`);
  const left = lines.length - shown.length;
  const rest = left > 0 ? [`| … ${left} more lines are kept`] : [];
  return [...shown, ...rest].map((line, at, all) => (at === all.length - 1 ? line + remarks(sample) : line));
}

/** What an object was before, and is after. */
function diffLines(diff: ShownDiff | undefined): string[] {
  if (diff === undefined) return [];
  const { since, changes, more, before } = diff;
  if (before !== undefined) return [`it was, by #${since}: ${valueText(before)}`];
  const lines = changes.map(changeText);
  const rest = more === undefined ? [] : [`… ${more} more changes`];
  return [`compared with #${since}: ${changes.length === 0 ? 'no change' : ''}`.trimEnd(), ...lines, ...rest];
}

function changeText({ path, change, before, after }: ShownChange): string {
  const name = escapeTerminal(path);
  if (change === 'added') return `+ ${name}: ${valueText(after)}`;
  if (change === 'removed') return `- ${name}: ${valueText(before)}`;
  return `~ ${name}: ${valueText(before)} → ${valueText(after)}`;
}

function valueText(shown: Shown | undefined): string {
  return shown === undefined ? '' : fitWidth(escapeTerminal(shown.text), VALUE_COLUMNS);
}

function watchLines(watch: ShownWatch | undefined): string[] {
  if (watch === undefined) return [];
  const counts = watch.counts.map(({ type, kind, count }) => `${count} ${type} ${kind}`.trimEnd());
  const untold = watch.untold === undefined ? '' : `, ${watch.untold} of them without a step of their own`;
  return [`${watch.events} events${untold}`, ...counts.map(escapeTerminal)];
}

function eventText({ event, outcome }: KubernetesStep): string {
  if (event === undefined) return 'event';
  const { type, kind, namespace, name, message } = event;
  const place = [namespace, name].filter(Boolean).join('/');
  const words = [type, kind, place, message && `: ${message.text}`].filter(Boolean).join(' ');
  return escapeTerminal(words) + (outcome === undefined ? '' : `, ${outcome}`);
}

function programLines(program: ShownProgram | undefined): string[] {
  if (program === undefined) return [];
  const { container, tty, size, resized = 0, input, output, errors, said, commands, files } = program;
  const terminal =
    size === undefined || size.columns === 0 ? 'terminal' : `terminal ${size.columns}x${size.rows}`;
  return [
    ...(container === undefined ? [] : [`container ${escapeTerminal(container)}`]),
    ...(tty
      ? [resized > 0 ? `${terminal}, resized ${resized} ${resized === 1 ? 'time' : 'times'}` : terminal]
      : []),
    ...dataLines('in', input, files === undefined),
    ...dataLines('out', output, files === undefined),
    ...dataLines('stderr', errors),
    ...(said === undefined ? [] : [`it was told: ${shownText(said)}`]),
    ...(files === undefined ? [] : [`${files} ${files === 1 ? 'file' : 'files'} copied`]),
    ...(commands === undefined ? [] : [`${commands} typed ${commands === 1 ? 'line' : 'lines'} found`]),
  ];
}

function forwardLines(step: KubernetesStep): string[] {
  const { forward, outcome } = step;
  if (forward === undefined) return ['forward'];
  const { number, port, to, speaks, error } = forward;
  const as = speaks === undefined ? '' : `, read as ${speaks}`;
  return [
    `connection ${number} to ${to === undefined ? '' : `${escapeTerminal(to)}:`}${port}${as}, ${outcome ?? ''}`,
    ...(error === undefined ? [] : [`error: ${shownText(error)}`]),
    ...streamLines(forward, speaks === undefined),
  ];
}

function streamLines(forward: ShownForward | undefined, showsText = true): string[] {
  return [
    ...dataLines('from the client', forward?.sent, showsText),
    ...dataLines('from the target', forward?.received, showsText),
  ];
}

function carriedLine({ carried }: KubernetesStep): string {
  return `connection ${carried?.forward ?? 0}, ${escapeTerminal(carried?.protocol ?? '')}:`;
}

function fileText({ file, outcome }: KubernetesStep): string {
  if (file === undefined) return 'file';
  const { path, type, direction, size, sha256 } = file;
  const digest = sha256 === undefined ? '' : `, sha256 ${sha256}`;
  const how = outcome === 'cut' ? ', not all of it' : '';
  return `${direction} ${type} ${escapeTerminal(path.text)}${remarks(path)}, ${size} bytes${digest}${how}`;
}

function identityText({ login }: KubernetesStep): string {
  if (login === undefined) return '';
  const { user, groups } = login;
  return escapeTerminal(`as ${user}${groups.length === 0 ? ', in no group' : `, in ${groups.join(', ')}`}`);
}

function noteLines({ note }: KubernetesStep): string[] {
  return note === undefined ? [] : [`note ${escapeTerminal(JSON.stringify(note))}`];
}

function foundText({ foundBy, prompt }: KubernetesStep): string {
  const by = foundBy === 'marks' ? "the shell's marks" : 'the screen';
  return prompt === undefined ? by : `${by}, after ${escapeTerminal(prompt.text.trim())}`;
}

function exitLines({ exitStatus }: KubernetesStep): string[] {
  return exitStatus === undefined ? [] : [`exit status ${exitStatus}`];
}

function shownText(shown: Shown | undefined): string {
  return shown === undefined ? '(not known)' : escapeTerminal(shown.text.trimEnd()) + remarks(shown);
}

function remarks({ cut, bytes, undecoded }: Shown): string {
  return (cut ? `… (${bytes} bytes in all)` : '') + (undecoded ? ' [not all text]' : '');
}
