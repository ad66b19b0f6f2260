/** What a run is started with: how each of its inputs is asked for, and what of it is sent. */
import type { RunInputTerms, Workflow } from '../api/runs.ts';
import { shellWord } from '#core/replay/shell-word.ts';
import { placeTexts } from './contract-words.ts';

export type FieldKind = 'choice' | 'date' | 'number' | 'line' | 'long';

/** Longer texts are given in a field of several lines, or from a file. */
const LINE_MAX = 200;

export function fieldKind({ type, oneOf, pattern, maxLength }: RunInputTerms): FieldKind {
  if (oneOf !== undefined || type === 'boolean') return 'choice';
  if (type === 'date') return 'date';
  if (type === 'integer' || type === 'number') return 'number';
  const isLong = type === 'text' && pattern === undefined && (maxLength ?? Infinity) > LINE_MAX;
  return isLong ? 'long' : 'line';
}

/** What can be chosen, as texts. */
export function choicesOf({ oneOf }: RunInputTerms): readonly string[] {
  return oneOf === undefined ? ['true', 'false'] : oneOf.map(String);
}

/** Under the field. */
export function hintOf(terms: RunInputTerms): string {
  const { nullable, ...rest } = terms;
  const said = placeTexts({ ...rest, nullable: false }).join(', ');
  return nullable ? `${said}; left empty it is NULL` : said;
}

/** What was filled in, by the names of inputs. */
export type Filled = Readonly<Record<string, string>>;

/** Of one input: it may be called `constructor`, which every object has. */
export function filledIn(filled: Filled, name: string): string {
  return Object.hasOwn(filled, name) ? filled[name]! : '';
}

/** As the API takes it: what may be NULL and is empty is left out. */
export function givenInputs({ inputs }: Pick<Workflow, 'inputs'>, filled: Filled): Filled {
  const given = Object.entries(inputs).flatMap(([name, { nullable }]) => {
    const text = filledIn(filled, name);
    return text === '' && nullable ? [] : [[name, text] as const];
  });
  return Object.fromEntries(given);
}

/** The line that does the same. */
export function startLine(workflow: string, given: Filled): string {
  const inputs = Object.entries(given).map(([name, text]) => `--input ${shellWord(`${name}=${text}`)}`);
  return ['custody run start', workflow, ...inputs].join(' ');
}
