/** What an index of words knows of a step: its words, and marks, of which each says one thing in letters and digits alone. */
import { hash } from 'node:crypto';
import { canonicalEmail } from '#core/identity/email.ts';
import type { StepFacts } from '#core/replay/facts.ts';
import type { SearchedSession } from '#core/search/entry.ts';
import { namesOf, placesOf, searchedTexts } from '#core/search/match.ts';
import type { Scope } from '#core/search/port.ts';
import type { RelationTerm, SearchQuery } from '#core/search/query.ts';
import { wordsOf } from '#core/search/words.ts';

const WORD_MAX = 64;
/** Two that have one mark by chance are told apart afterwards. */
const HASH_CHARACTERS = 10;
const EVERY = 'z';

/** FTS5's `ascii` takes letters beyond ASCII as they are, and `wordsOf` gives nothing else. */
export function wordTokens(facts: StepFacts): string {
  return searchedTexts(facts)
    .map(([, text]) => wordsOf(text).map(tokenOf).join(' '))
    .join(' ');
}

function tokenOf(word: string): string {
  return word.length <= WORD_MAX ? word : mark('h', word);
}

function mark(kind: string, text: string): string {
  return kind + hash('sha256', text).slice(0, HASH_CHARACTERS);
}

export function sessionMarks({
  approvedBy = [],
  target,
  protocol,
  reason,
  run,
  device,
  principal,
}: SearchedSession): string {
  const { subject, email, actors = [] } = principal;
  const marks = [
    ...[EVERY, mark('t', target), mark('p', protocol), mark('u', subject)],
    mark('j', accountText(principal)),
    ...actors.map((actor) => mark('u', actor.subject)),
    ...approvedBy.map((one) => mark('g', accountText(one))),
    ...(email === undefined ? [] : [mark('a', canonicalEmail(email))]),
    ...(reason === undefined ? [] : [mark('o', reason)]),
    ...(run === undefined ? [] : [mark('k', run.id), mark('m', run.workflow), mark('q', run.task)]),
    ...(device === undefined ? [] : [mark('d', device.key), mark('d', device.name ?? device.key)]),
  ];
  return [...new Set(marks)].join(' ');
}

function accountText({ issuer, subject }: { readonly issuer: string; readonly subject: string }): string {
  return `${issuer}\n${subject}`;
}

const HOW = { read: 'r', written: 'w', called: 'c' } as const;

export function stepMarks(facts: StepFacts): string {
  const { isError, isWrite, shape, runs, relations, functions, values, results, files, codes } = facts;
  const marks = [
    ...(isError ? ['e'] : []),
    ...(isWrite ? ['w'] : []),
    ...[shape, runs?.shape].flatMap((one) => (one === undefined ? [] : [mark('s', one)])),
    ...relations.flatMap(({ name, how }) => relationMarks(name, HOW[how])),
    ...functions.flatMap((name) => relationMarks(name, HOW.called)),
    ...[...values, ...results].map((value) => mark('v', value)),
    ...files.flatMap(({ path }) => placesOf(path).map((place) => mark('f', place))),
    ...codes.map((code) => mark('c', code.toLowerCase())),
  ];
  return [...new Set(marks)].join(' ');
}

/** `n`: by this name it is found. `b`: it has no schema, and may be that of any. */
function relationMarks(name: string, how: string): readonly string[] {
  const names = namesOf(name).map((one) => mark(`n${how}`, one));
  return name.includes('.') ? names : [...names, mark(`b${how}`, name.toLowerCase())];
}

/** An expression of FTS5 that finds all that the query does, and little else. Every token in it is of letters and digits. */
export function expressionOf(query: SearchQuery, scopes: readonly Scope[]): string {
  const { phrases = [], command } = query;
  const words = [...phrases, ...(command === undefined ? [] : [command])].flatMap((phrase) => {
    const tokens = wordsOf(phrase).map(tokenOf);
    return tokens.length === 0 ? [] : [`words : "${tokens.join(' ')}"`];
  });
  const alternatives = [...sessionTerms(query), ...stepTerms(query), ...scopeTerms(scopes)];
  const marks = alternatives.map((any) => `marks : (${any.join(' OR ')})`);
  return words.length + marks.length === 0 ? `marks : ${EVERY}` : [...words, ...marks].join(' AND ');
}

type Alternatives = readonly string[];

function sessionTerms(query: SearchQuery): readonly Alternatives[] {
  const { target, protocol, outcome, run, workflow, task, device, person } = query;
  const one = (kind: string, term: string | undefined): Alternatives[] =>
    term === undefined ? [] : [[mark(kind, term)]];
  return [
    ...one('t', target),
    ...one('p', protocol),
    ...one('o', outcome),
    ...one('k', run),
    ...one('m', workflow),
    ...one('q', task),
    ...one('d', device),
    ...(person === undefined ? [] : [namedBy(person)]),
  ];
}

function namedBy(person: string): Alternatives {
  return [mark('u', person), mark('a', canonicalEmail(person))];
}

function stepTerms({ shape, relation, value, file, code, errorsOnly, writesOnly }: SearchQuery) {
  return [
    ...(shape === undefined ? [] : [[mark('s', shape)]]),
    ...(relation === undefined ? [] : [relationTerm(relation)]),
    ...(value === undefined ? [] : [[mark('v', value)]]),
    ...(file === undefined ? [] : [[mark('f', file)]]),
    ...(code === undefined ? [] : [[mark('c', code.toLowerCase())]]),
    ...(errorsOnly === true ? [['e']] : []),
    ...(writesOnly === true ? [['w']] : []),
  ];
}

function relationTerm({ name, how }: RelationTerm): Alternatives {
  const wanted = name.toLowerCase();
  const bare = namesOf(wanted)[1];
  return (how === undefined ? Object.values(HOW) : [HOW[how]]).flatMap((letter) => [
    mark(`n${letter}`, wanted),
    ...(bare === undefined ? [] : [mark(`b${letter}`, bare)]),
  ]);
}

/** One that says nothing is of everything. */
function scopeTerms(scopes: readonly Scope[]): readonly Alternatives[] {
  const terms = scopes.map(({ target, subject, person, approver }) => [
    ...(target === undefined ? [] : [mark('t', target)]),
    ...(subject === undefined ? [] : [mark('j', accountText(subject))]),
    ...(person === undefined ? [] : [`(${namedBy(person).join(' OR ')})`]),
    ...(approver === undefined ? [] : [mark('g', accountText(approver))]),
  ]);
  if (terms.some((all) => all.length === 0)) return [];
  return [terms.map((all) => (all.length === 1 ? all[0]! : `(${all.join(' AND ')})`))];
}
