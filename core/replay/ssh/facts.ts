import { noCommand, seenCommandLine } from '#core/protocols/ssh/shapes/argv.ts';
import { isReadable, type SeenCommand } from '#core/tasks/seen.ts';
import { type FactsOf, NO_FACTS, type StepFacts } from '../facts.ts';
import { isErrorNote, noteCodes } from '../note-facts.ts';
import type { Shown } from '../step.ts';
import { fileFacts, gitFacts } from './files/facts.ts';
import { onlyLooks } from './only-looks.ts';
import type { ShownForward, ShownProgram, SshStep } from './step.ts';

const ERRORS: ReadonlySet<string | undefined> = new Set(['failed', 'refused', 'denied']);
/** They never ran. */
const NOT_RUN: ReadonlySet<string | undefined> = new Set(['refused', 'denied']);

export const sshFacts: FactsOf = ({ step: base }) => {
  const step = base as SshStep;
  return {
    ...NO_FACTS,
    ...commandFacts(step),
    ...(step.file && fileFacts(step.file, step.outcome)),
    ...(step.git && gitFacts(step.git, step.outcome)),
    isError: isError(step),
    codes: codesOf(step),
    messages: messagesOf(step),
    bytes: bytesOf(step),
  };
};

export function sshShapeOf(command: string): string | undefined {
  const seen = seenCommandLine(command);
  return isReadable(seen) ? seen.shape : undefined;
}

/** Of what a client asked to run. A shell and what is typed in it may do anything, and so may a program by a name. */
function commandFacts({ kind, command, outcome, program }: SshStep): Partial<StepFacts> {
  const isRun = !NOT_RUN.has(outcome);
  const variables = (program?.env ?? []).map(({ value }) => value.text);
  switch (kind) {
    case 'exec':
    case 'command': {
      if (command === undefined) return { isWrite: isRun };
      const seen = lineOf(command);
      const isWrite = isRun && (program?.forced !== undefined || !onlyLooks(command));
      return { isWrite, text: command.text, ...wordsOf(seen, variables) };
    }
    case 'subsystem':
      // What SFTP does is told by steps of its own.
      return { isWrite: isRun && command?.text !== 'sftp', ...(command && { text: command.text }) };
    case 'shell':
      return { isWrite: isRun, text: noCommand('shell').text, values: variables };
    case 'forward':
      // What passes through it is read by nobody.
      return { isWrite: isRun };
    default:
      return {};
  }
}

function lineOf({ text, cut }: Shown): SeenCommand | undefined {
  const seen = cut ? undefined : seenCommandLine(text);
  return seen !== undefined && isReadable(seen) ? seen : undefined;
}

function wordsOf(seen: SeenCommand | undefined, more: readonly string[]): Partial<StepFacts> {
  if (seen === undefined) return { values: more };
  const words = seen.values.flatMap((value) => ('list' in value || value.text === null ? [] : [value.text]));
  return { shape: seen.shape, values: [...words, ...more] };
}

function isError({ kind, outcome, note, exitStatus = 0 }: SshStep): boolean {
  return kind === 'damaged' || ERRORS.has(outcome) || exitStatus !== 0 || isErrorNote(note);
}

function codesOf({
  program,
  exitStatus = program?.exitStatus ?? 0,
  outcome,
  refusal,
  file,
  note,
}: SshStep): string[] {
  const codes = exitStatus === 0 ? [] : [`exit ${exitStatus}`];
  if (program?.exitSignal !== undefined) codes.push(`signal ${program.exitSignal.name}`);
  if (refusal !== undefined) codes.push(`refused ${refusal.code}`);
  if (file?.status !== undefined) codes.push(`status ${file.status}`);
  if (outcome !== undefined && NOT_RUN.has(outcome)) codes.push(outcome);
  return [...codes, ...noteCodes(note)];
}

/** Samples of what a program said, and what the gateway did. */
function messagesOf(step: SshStep): string[] {
  const {
    program = {},
    refusal,
    said,
    note,
    text,
    login,
    request,
    listen,
    forward,
    file,
    git,
    prompt,
  } = step;
  const texts = [
    ...[program.output, program.errors, program.input, program.said].map((data) => data?.sample.text),
    ...[program.exitSignal?.message, program.forced?.text, refusal?.message, said?.text, text],
    ...(login === undefined ? [] : [login.user, ...(login.keys ?? []).map(({ fingerprint }) => fingerprint)]),
    ...[...(program.requests ?? []), ...(request ? [request] : [])].flatMap(({ type, words }) => [
      type,
      words,
    ]),
    ...(listen === undefined ? [] : [addressText(listen)]),
    ...(forward === undefined ? [] : forwardTexts(forward)),
    ...[file?.error?.text, git?.error?.text, prompt?.text],
    note && JSON.stringify(note),
  ];
  return texts.filter((one) => one !== undefined && one !== '') as string[];
}

function forwardTexts({ type, to, from, sent, received }: ShownForward): (string | undefined)[] {
  return [type, to && addressText(to), from && addressText(from), sent?.sample.text, received?.sample.text];
}

function addressText({ host, port }: { readonly host: string; readonly port?: number }): string {
  return port === undefined ? host : `${host}:${port}`;
}

/** Those of a channel stand at the step of its program, and not again at its files. */
function bytesOf({ program, forward }: SshStep): StepFacts['bytes'] {
  const { input, output, errors }: ShownProgram = program ?? {};
  return {
    sent: (input?.bytes ?? 0) + (forward?.sent?.bytes ?? 0),
    received: (output?.bytes ?? 0) + (errors?.bytes ?? 0) + (forward?.received?.bytes ?? 0),
  };
}
