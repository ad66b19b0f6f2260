import { type FactsOf, NO_FACTS, type StepFacts, type Touched, type TouchedFile } from '../facts.ts';
import { LOOKING_PROGRAMS } from '../looking-programs.ts';
import { isErrorNote, noteCodes } from '../note-facts.ts';
import type { ReadStep } from '../reader.ts';
import type { ShownData } from '../tally.ts';
import { callText, placeText } from './call-names.ts';
import type { KubernetesStep, ShownCall } from './step.ts';

const ERRORS: ReadonlySet<string | undefined> = new Set(['failed', 'refused', 'denied']);
/** They never ran. */
const NOT_RUN: ReadonlySet<string | undefined> = new Set(['refused', 'denied']);
const READS: ReadonlySet<string | undefined> = new Set(['get', 'list', 'watch', 'head', 'options']);
/** Are made to be answered, and kept nowhere. */
const QUESTIONS = /^(?:[a-z]+reviews\.(?:authorization|authentication)\.k8s\.io)$/;

/** `ofCarried`: of the protocols that forwarded connections are read as, by name; `read` gives such a step. */
export interface CarriedFacts {
  readonly factsOf: FactsOf;
  read(json: Readonly<Record<string, unknown>>): ReadStep;
}

export function kubernetesFacts(carried: ReadonlyMap<string, CarriedFacts>): FactsOf {
  return ({ step: base }) => {
    const step = base as KubernetesStep;
    const inner = step.carried && carried.get(step.carried.protocol);
    if (inner !== undefined) return inner.factsOf(inner.read(step.carried!.step));
    return {
      ...NO_FACTS,
      ...ranFacts(step),
      isError: isError(step),
      codes: codesOf(step),
      messages: messagesOf(step),
      bytes: bytesOf(step),
    };
  };
}

function ranFacts(step: KubernetesStep): Partial<StepFacts> {
  const isRun = !NOT_RUN.has(step.outcome);
  switch (step.kind) {
    case 'call':
    case 'watch':
    case 'logs':
      return { ...namedFacts(step), isWrite: isRun && isChange(step.call) };
    case 'exec':
      return { ...namedFacts(step), isWrite: isRun && !onlyLooks(step), values: step.words?.slice(1) ?? [] };
    case 'attach':
      return { ...namedFacts(step), isWrite: isRun && step.program?.input !== undefined };
    case 'portforward':
      // What passes through it is told by steps of its connections.
      return namedFacts(step);
    case 'forward':
      // What nobody reads may be anything.
      return { isWrite: isRun && step.forward?.speaks === undefined, ...(step.call && namedFacts(step)) };
    case 'command':
      return step.command === undefined ? { isWrite: true } : { isWrite: true, text: step.command.text };
    case 'file':
      return fileFacts(step);
    case 'event':
      return eventFacts(step);
    default:
      return {};
  }
}

/** What was asked, and of what. */
function namedFacts({ call, command, diff }: KubernetesStep): Partial<StepFacts> {
  if (call === undefined) return {};
  const words = command === undefined ? '' : ` [${command.text}]`;
  const values = (call.query ?? []).map(({ value }) => value);
  const changed = (diff?.changes ?? []).flatMap(({ before, after }) => [before?.text, after?.text]);
  return {
    text: callText(call) + words,
    relations: relationsOf(call),
    values: [...values, ...changed].filter((value) => value !== undefined && value !== '') as string[],
  };
}

/** `deployments.apps dev/web`, whatever the subresource; of a list `deployments.apps dev/*`. */
function relationsOf(call: ShownCall): readonly Touched[] {
  const { resource } = call;
  if (resource === undefined) return [];
  const whole = [resource.split('/')[0], placeText(call)].filter(Boolean).join(' ');
  return [{ name: whole, how: isChange(call) ? 'written' : 'read' }];
}

function isChange(call: ShownCall | undefined): boolean {
  if (call === undefined) return false;
  const { verb, method, resource, query = [] } = call;
  if (verb === undefined) return !['GET', 'HEAD', 'OPTIONS'].includes(method);
  if (READS.has(verb) || QUESTIONS.test(resource ?? '')) return false;
  return !query.some(({ name }) => name === 'dryRun');
}

/** One program that changes nothing, whatever its arguments are: what runs in its place nobody can say. */
function onlyLooks({ words, program }: KubernetesStep): boolean {
  const name = /^(?:(?:\/usr)?\/s?bin\/)?([^/]+)$/.exec(words?.[0] ?? '')?.[1];
  return (name !== undefined && LOOKING_PROGRAMS.has(name)) || isDownload(program, words);
}

/** Its files have steps of their own. */
function isDownload(program: KubernetesStep['program'], words: KubernetesStep['words']): boolean {
  return program?.files !== undefined && words?.[0] === 'tar' && /^-?c/.test(words[1] ?? '');
}

function fileFacts({ file }: KubernetesStep): Partial<StepFacts> {
  if (file === undefined) return {};
  const { path, direction, size, sha256 } = file;
  const how = direction === 'upload' ? 'written' : 'read';
  const touched: TouchedFile = { path: path.text, how, bytes: size, ...(sha256 !== undefined && { sha256 }) };
  return { files: [touched], isWrite: how === 'written', text: `${direction} ${path.text}` };
}

/** What others did, as this session was told. */
function eventFacts({ event, diff }: KubernetesStep): Partial<StepFacts> {
  if (event === undefined) return {};
  const { type, kind, namespace, name } = event;
  const place = [namespace, name].filter(Boolean).join('/');
  const results = (diff?.changes ?? []).flatMap(({ after }) => (after === undefined ? [] : [after.text]));
  return { text: [type, kind, place].filter(Boolean).join(' '), results };
}

function isError({ kind, outcome, note, exitStatus = 0 }: KubernetesStep): boolean {
  return kind === 'damaged' || ERRORS.has(outcome) || exitStatus !== 0 || isErrorNote(note);
}

function codesOf({ call, program, exitStatus, outcome, cut, note }: KubernetesStep): string[] {
  const exit = exitStatus ?? program?.exitCode ?? 0;
  const { status = 0, reason } = call ?? {};
  return [
    ...(status >= 400 ? [String(status)] : []),
    ...(reason === undefined ? [] : [reason]),
    ...(exit === 0 ? [] : [`exit ${exit}`]),
    ...(cut?.code === undefined ? [] : [cut.code]),
    ...(outcome === 'denied' ? [outcome] : []),
    ...noteCodes(note),
  ];
}

function messagesOf(step: KubernetesStep): string[] {
  const { call, program, forward, cut, note, text, login, diff, event, prompt, agent } = {
    ...step,
    agent: step.call?.agent,
  };
  const texts = [
    ...[call?.message, program?.said, forward?.error, diff?.before, event?.message, prompt].map(
      (one) => one?.text,
    ),
    ...[call?.request, call?.response, program?.output, program?.errors, program?.input].map(sampleOf),
    ...[forward?.sent, forward?.received].map(sampleOf),
    ...[cut?.message, text, agent, login?.user, ...(login?.groups ?? [])],
    note && JSON.stringify(note),
  ];
  return texts.filter((one) => one !== undefined && one !== '') as string[];
}

function sampleOf(data: ShownData | undefined): string | undefined {
  return data?.sample.text;
}

/** Those of a forwarded connection stand at its own step. */
function bytesOf({ call, program, forward }: KubernetesStep): StepFacts['bytes'] {
  const sent = [call?.request, program?.input, forward?.sent];
  const received = [call?.response, program?.output, program?.errors, forward?.received];
  return { sent: sumOf(sent), received: sumOf(received) };
}

function sumOf(all: readonly (ShownData | undefined)[]): number {
  return all.reduce((sum, one) => sum + (one?.bytes ?? 0), 0);
}
