import { isJsonObject } from '#core/json.ts';
import { LocalAnalyst } from '#core/protocols/postgres/shapes/analyse.ts';
import { Generations } from '#core/protocols/postgres/shapes/generations.ts';
import { KnownSkeletons, type LookedAt } from '#core/protocols/postgres/shapes/known.ts';
import type { Parser } from '#core/protocols/postgres/shapes/parser.ts';
import { skeletonOf } from '#core/protocols/postgres/shapes/skeleton.ts';
import type { Filler, Template } from '#core/protocols/postgres/shapes/template.ts';
import { type Touches, touchesOf } from '#core/protocols/postgres/shapes/touches.ts';
import { numberIn, textIn } from '#core/protocols/postgres/shapes/tree.ts';
import { isUnreadable } from '#core/protocols/postgres/shapes/unreadable.ts';
import type { Touched, TouchedFile } from '../../facts.ts';
import { roughly } from './roughly.ts';

/** What is known of one command by its text. */
export interface KnownCommand {
  readonly shape?: string;
  readonly relations: readonly Touched[];
  readonly calls: readonly string[];
  readonly files: readonly TouchedFile[];
  readonly writes: boolean;
  readonly lasts: boolean;
  readonly makes: boolean;
  /** Its constants, in the order of the text. */
  readonly constants: readonly string[];
}

/** Characters of texts that have no skeleton, or no shape. */
const WEIGHT_MAX = 1 << 20;
const ENTRY_WEIGHT = 500;

/** Nobody knows what it was. */
const UNSEEN: KnownCommand = {
  relations: [],
  calls: [],
  files: [],
  writes: true,
  lasts: true,
  makes: false,
  constants: [],
};

/** The commands of texts. It remembers skeletons, with caps; one may serve all sessions of a process. */
export class CommandFacts {
  readonly #parser: Parser;
  readonly #known: KnownSkeletons;
  readonly #analyst: LocalAnalyst;
  readonly #odd = new Generations<readonly KnownCommand[]>(WEIGHT_MAX);
  /** Of each template what all texts of it have in common. */
  readonly #common = new WeakMap<Template, KnownCommand>();

  constructor(parser: Parser) {
    this.#parser = parser;
    this.#analyst = new LocalAnalyst(parser, touchesOf);
    this.#known = new KnownSkeletons(this.#analyst);
  }

  unseen(): KnownCommand {
    return UNSEEN;
  }

  /** The command of a text that has this number, from 1. `cut`: there is more of the text than is here. */
  of(text: string, number: number, cut: boolean): KnownCommand {
    const looked = cut ? undefined : this.#known.look(text);
    if (looked instanceof Promise) throw new TypeError('the analyst is not one for recordings');
    if (looked === undefined || !('templates' in looked)) return this.#oddly(text, number);
    const template = looked.templates[number - 1];
    if (template === undefined) return UNSEEN;
    return this.#filled(template, looked, looked.templates.length === 1 ? text : undefined);
  }

  /** `alone`: the text, where this command is all of it. */
  #filled(template: Template, { literals }: LookedAt, alone: string | undefined): KnownCommand {
    const common = this.#common.get(template) ?? commonOf(template);
    this.#common.set(template, common);
    const constants: string[] = [];
    for (const filler of template.fillers) constantsIn(filler, literals, constants);
    if (alone !== undefined) otherLiterals(alone, constants);
    return constants.length === 0 ? common : { ...common, constants };
  }

  /** What has no shape: it is parsed all the same, and where that fails its words are looked at. */
  #oddly(text: string, number: number): KnownCommand {
    const known = this.#odd.get(text) ?? this.#look(text);
    if (text.length < WEIGHT_MAX >> 4) this.#odd.set(text, known, text.length + ENTRY_WEIGHT);
    return known[number - 1] ?? UNSEEN;
  }

  #look(text: string): readonly KnownCommand[] {
    const parsed = this.#parser.parse(text);
    if (isUnreadable(parsed)) return roughly(text).map((touches) => ofTouches(touches));
    return parsed.statements.flatMap(({ stmt }) =>
      isJsonObject(stmt) ? [{ ...ofTouches(touchesOf(stmt)), constants: constantsOf(stmt) }] : [],
    );
  }
}

function commonOf({ statement: { shape, touches } }: Template): KnownCommand {
  return touches === undefined ? { ...UNSEEN, shape } : { shape, ...ofTouches(touches) };
}

function ofTouches({ read, written, ...rest }: Touches): KnownCommand {
  const named = (names: readonly string[], how: Touched['how']) => names.map((name) => ({ name, how }));
  return { ...rest, relations: [...named(read, 'read'), ...named(written, 'written')], constants: [] };
}

/** Those that are part of the shape: of EXECUTE, of DDL. */
function otherLiterals(text: string, constants: string[]): void {
  const skeleton = skeletonOf(text);
  if (skeleton === undefined || skeleton.literals.length === constants.length) return;
  const known = new Set(constants);
  for (const { value } of skeleton.literals)
    if (value.text !== null && !known.has(value.text) && !known.has(`-${value.text}`))
      constants.push(value.text);
}

/** Of a tree of which no shape is made. */
function constantsOf(value: unknown): readonly string[] {
  if (Array.isArray(value)) return value.flatMap(constantsOf);
  if (!isJsonObject(value)) return [];
  const { A_Const: constant } = value;
  if (!isJsonObject(constant)) return Object.values(value).flatMap(constantsOf);
  const { ival, fval, sval } = constant;
  if (isJsonObject(sval)) return [textIn(sval, 'sval')];
  if (isJsonObject(fval)) return [textIn(fval, 'fval')];
  return isJsonObject(ival) ? [String(numberIn(ival, 'ival'))] : [];
}

function constantsIn(filler: Filler, literals: LookedAt['literals'], into: string[]): void {
  if ('list' in filler) for (const one of filler.list) constantsIn(one, literals, into);
  else if ('array' in filler) constantsIn(filler.array, literals, into);
  else if ('constant' in filler) {
    if (filler.constant.text !== null) into.push(filler.constant.text);
  } else if ('literal' in filler) {
    const { text } = literals[filler.literal]!.value;
    if (text !== null) into.push(filler.negated && text !== '0' ? `-${text}` : text);
  }
}
