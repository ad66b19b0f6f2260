/** Whether a step is what is looked for. This is the truth: whoever finds by an index finds what this finds, and nothing else. */
import { isNamed } from '../recording/session-page.ts';
import type { StepFacts } from '../replay/facts.ts';
import type { SearchedSession, SearchedStep } from './entry.ts';
import { excerptOf } from './excerpt.ts';
import type { RelationTerm, SearchQuery } from './query.ts';
import { phraseIn, wordsOf } from './words.ts';

export type MatchedField =
  | 'text'
  | 'runs'
  | 'value'
  | 'result'
  | 'message'
  | 'relation'
  | 'file'
  | 'code'
  | 'shape'
  | 'error'
  | 'write'
  | 'step';

/** Where a term was found. */
export interface Match {
  readonly field: MatchedField;
  /** A piece of it, on either side of what was found. As it was: escape it before showing it. */
  readonly excerpt: string;
}

/** One for each term, in their order; undefined where one of them is not there. */
export function matches(
  query: SearchQuery,
  session: SearchedSession,
  step: SearchedStep,
): readonly Match[] | undefined {
  return matcher(query)(session, step);
}

/** The same for many steps. */
export function matcher(
  query: SearchQuery,
): (session: SearchedSession, step: SearchedStep) => readonly Match[] | undefined {
  const finds = finders(query);
  return (session, step) => {
    if (!isOfSession(query, session) || !isInTime(query, session, step)) return undefined;
    return stepMatches(finds, step.facts);
  };
}

export function isOfSession(query: SearchQuery, session: SearchedSession): boolean {
  const { run, device } = session;
  return (
    is(query.session, session.id) &&
    is(query.target, session.target) &&
    is(query.protocol, session.protocol) &&
    is(query.outcome, session.reason) &&
    is(query.run, run?.id) &&
    is(query.workflow, run?.workflow) &&
    is(query.task, run?.task) &&
    (is(query.device, device?.key) || is(query.device, device?.name)) &&
    (query.person === undefined || isNamed(session.principal, query.person))
  );
}

function is(wanted: string | undefined, has: string | undefined): boolean {
  return wanted === undefined || wanted === has;
}

function isInTime(
  { since, until }: SearchQuery,
  { startedAt }: SearchedSession,
  { at }: SearchedStep,
): boolean {
  const time = startedAt + at / 1000;
  return (since === undefined || time >= since) && (until === undefined || time < until);
}

function stepMatches(finds: readonly Find[], facts: StepFacts): readonly Match[] | undefined {
  const found: Match[] = [];
  for (const find of finds) {
    const one = find(facts);
    if (one === undefined) return undefined;
    found.push(one);
  }
  return found.length > 0 ? found : [whole(facts)];
}

type Find = (facts: StepFacts) => Match | undefined;

function finders(query: SearchQuery): readonly Find[] {
  const { phrases = [], command, shape, relation, value, file, code } = query;
  return [
    ...phrases.map((phrase) => byWords(phrase, searchedTexts)),
    ...(command === undefined ? [] : [byWords(command, askedTexts)]),
    ...(shape === undefined ? [] : [byShape(shape)]),
    ...(relation === undefined ? [] : [byRelation(relation)]),
    ...(value === undefined ? [] : [byValue(value)]),
    ...(file === undefined ? [] : [byFile(file)]),
    ...(code === undefined ? [] : [byCode(code)]),
    ...(query.errorsOnly === true ? [marked('error', ({ isError }) => isError)] : []),
    ...(query.writesOnly === true ? [marked('write', ({ isWrite }) => isWrite)] : []),
  ];
}

type FieldText = readonly [field: MatchedField, text: string];

function askedTexts({ text, runs }: StepFacts): readonly FieldText[] {
  const asked: FieldText[] = text === undefined ? [] : [['text', text]];
  return runs === undefined ? asked : [...asked, ['runs', runs.text]];
}

/** All that has words. */
export function searchedTexts(facts: StepFacts): readonly FieldText[] {
  const { values, results, messages, files } = facts;
  const of = (field: MatchedField, texts: readonly string[]) => texts.map((text) => [field, text] as const);
  return [
    ...askedTexts(facts),
    ...of('value', values),
    ...of('message', messages),
    ...of('result', results),
    ...of(
      'file',
      files.map(({ path }) => path),
    ),
  ];
}

function byWords(phrase: string, textsOf: (facts: StepFacts) => readonly FieldText[]): Find {
  const wanted = wordsOf(phrase);
  const isIn = phraseIn(wanted);
  return (facts) => {
    for (const [field, text] of textsOf(facts))
      if (isIn(text)) return { field, excerpt: excerptOf(text, wanted[0]) };
    return undefined;
  };
}

function byShape(shape: string): Find {
  return ({ text = '', shape: own, runs }) => {
    if (own === shape) return { field: 'shape', excerpt: excerptOf(text) };
    return runs?.shape === shape ? { field: 'shape', excerpt: excerptOf(runs.text) } : undefined;
  };
}

/** Names that a relation may be found by. */
export function namesOf(name: string): readonly string[] {
  const folded = name.toLowerCase();
  const bare = folded.slice(folded.indexOf('.') + 1);
  return bare === folded ? [folded] : [folded, bare];
}

function byRelation({ name, how }: RelationTerm): Find {
  const wanted = name.toLowerCase();
  const isSame = (other: string): boolean =>
    namesOf(other).includes(wanted) ||
    (!other.includes('.') && namesOf(wanted).includes(other.toLowerCase()));
  return ({ relations, functions }) => {
    const found = relations.find((one) => (how === undefined || one.how === how) && isSame(one.name));
    if (found !== undefined) return { field: 'relation', excerpt: `${found.name} ${found.how}` };
    if (how !== undefined && how !== 'called') return undefined;
    const called = functions.find(isSame);
    return called === undefined ? undefined : { field: 'relation', excerpt: `${called} called` };
  };
}

function byValue(value: string): Find {
  return ({ values, results }) => {
    if (values.includes(value)) return { field: 'value', excerpt: excerptOf(value) };
    return results.includes(value) ? { field: 'result', excerpt: excerptOf(value) } : undefined;
  };
}

function byFile(wanted: string): Find {
  return ({ files }) => {
    const found = files.find(({ path }) => placesOf(path).includes(wanted));
    return found && { field: 'file', excerpt: `${excerptOf(found.path)} ${found.how}` };
  };
}

/** A path, its last part, and the folders that it is in. Bounded: a path is no longer than 4 KiB. */
export function placesOf(path: string): readonly string[] {
  const last = path.slice(path.lastIndexOf('/') + 1);
  const folders: string[] = [];
  for (let at = path.indexOf('/'); at >= 0 && folders.length < 256; at = path.indexOf('/', at + 1))
    folders.push(path.slice(0, at + 1));
  return last === '' ? [path, ...folders] : [path, last, ...folders];
}

function byCode(code: string): Find {
  const wanted = code.toLowerCase();
  return ({ codes }) => {
    const found = codes.find((one) => one.toLowerCase() === wanted);
    return found === undefined ? undefined : { field: 'code', excerpt: found };
  };
}

function marked(field: 'error' | 'write', is: (facts: StepFacts) => boolean): Find {
  return (facts) => (is(facts) ? { ...whole(facts), field } : undefined);
}

function whole({ text, messages, files }: StepFacts): Match {
  return { field: 'step', excerpt: excerptOf(text ?? messages[0] ?? files[0]?.path ?? '') };
}
