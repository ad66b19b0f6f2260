import type { Shown } from '../step.ts';
import type { Portal, Prepared } from './memory.ts';
import type { Names } from './names.ts';
import type { Settings } from './settings.ts';
import { type Command, commandsOf } from './sql/commands.ts';
import type { Effect, Span } from './sql/effect.ts';
import { scannable } from './sql/scannable.ts';
import { isTagOf } from './sql/tags.ts';
import { backslashesMatter } from './sql/tokens.ts';
import type { Reading } from './tap.ts';
import type { Texts } from './texts.ts';
import type { CutValue } from './values.ts';

/** A command and the text that it stands in; without a command when that is not known. */
export interface Source {
  readonly text: CutValue | undefined;
  readonly command: Command | undefined;
}

/** What a command runs that names another. */
export interface Meaning {
  readonly runs?: Shown;
  readonly doubt?: string;
}

export const NOT_KNOWN = 'what its name stands for is not known';
const OTHER_TAG = 'the answer is not one that this text gets: something else ran';
/** EXECUTE, FETCH: of no prepared statement, of no cursor. */
const NO_SUCH_NAME = new Set(['26000', '34000']);
const CHAIN_MAX = 8;
/** In some encodings a byte of ASCII may be the second of a character. */
const MAY_HOLD_ASCII = /[\x80-\u01ff][\x30-\x7e]/;

/** A statement under a name, and why it may be another. */
interface Known {
  readonly prepared: Prepared | undefined;
  readonly doubt: string | undefined;
}

/** What SQL does to the names that it shares with the protocol; see `Names`. */
export class SqlEffects {
  readonly #names: Names;
  readonly #settings: Settings;
  readonly #texts: Texts;
  readonly #textMax: number;
  /** A setting may have changed that the server has not reported yet: it does so before ReadyForQuery. */
  #unreported = false;

  constructor(names: Names, settings: Settings, texts: Texts, textMax: number) {
    this.#texts = texts;
    this.#names = names;
    this.#settings = settings;
    this.#textMax = textMax;
  }

  /** How the server reads texts, as it last told. */
  get reading(): Reading {
    const { clientEncoding, standardStrings } = this.#settings;
    return { utf8: clientEncoding === 'UTF8', standardStrings };
  }

  /** The commands of a text; undefined where they cannot be told. */
  read(text: CutValue | undefined): readonly Command[] | undefined {
    if (text === undefined) return undefined;
    const { standardStrings } = this.#settings;
    const sql = scannable(text.bytes, this.#texts.encoding);
    if (this.#texts.isUnsure && MAY_HOLD_ASCII.test(sql)) return undefined;
    const commands = commandsOf(sql, standardStrings);
    if (
      this.#unreported &&
      backslashesMatter(sql) &&
      readsOtherwise(commands, commandsOf(sql, !standardStrings))
    )
      return undefined;
    return text.bytes.length < text.length ? withOpenEnd(commands) : commands;
  }

  /** A text under a name. */
  prepared(name: string, text: CutValue | undefined, types: readonly number[]): Prepared {
    const command = this.read(text)?.[0];
    return { name, text, declared: types, types, columns: undefined, command, shown: false };
  }

  /** What a command runs by name, as names are when it begins. */
  meaning({ command }: Source): Meaning {
    const named = this.#named(command);
    if (named === undefined) return {};
    const { prepared, doubt } = named;
    if (prepared?.text === undefined) return { doubt: NOT_KNOWN };
    const runs = this.#texts.shown(prepared.text, this.#textMax);
    return doubt === undefined ? { runs } : { runs, doubt };
  }

  /** What runs: of EXECUTE the statement that it names, and so on; EXPLAIN shows nothing of what that would name. */
  #named(command: Command | undefined, depth = 0): Known | undefined {
    const effect = command?.effect;
    if ((effect?.kind !== 'execute' && effect?.kind !== 'fetch') || depth > CHAIN_MAX) return undefined;
    const known = this.#known(effect);
    const inner = command?.verb === 'explain' ? undefined : this.#named(known.prepared?.command, depth + 1);
    return inner === undefined ? known : { prepared: inner.prepared, doubt: known.doubt ?? inner.doubt };
  }

  #known({ kind, name }: Extract<Effect, { kind: 'execute' | 'fetch' }>): Known {
    const key = this.#settings.sqlKey(name);
    if (kind === 'fetch')
      return { prepared: this.#names.portal(key)?.prepared, doubt: this.#names.portalDoubt(key) };
    return { prepared: this.#names.statement(key), doubt: this.#names.statementDoubt(key) };
  }

  /** Does the answer's tag contradict the text? */
  tagDoubt({ command }: Source, tag: string): string | undefined {
    if (command === undefined || tag === '') return undefined;
    const isExecute = command.verb === 'execute';
    const verb = isExecute ? (this.#named(command)?.prepared?.command?.verb ?? '') : command.verb;
    return isTagOf(tag, verb) ? undefined : OTHER_TAG;
  }

  /** It ran, perhaps not to its end; `sqlstate`: of the error that it ended with. */
  began({ command }: Source, sqlstate = ''): void {
    const inner = this.#named(command);
    if (inner !== undefined && inner.prepared === undefined && NO_SUCH_NAME.has(sqlstate)) return;
    const ran = [command, ...(inner === undefined ? [] : [inner.prepared?.command])];
    if (ran.some((one) => one === undefined || one.hidden)) this.#names.hiddenRan();
    this.#unreported ||= ran.some((one) => one === undefined || one.sets);
  }

  /** It is done. `running`: the portal that it runs in. */
  completed({ text, command }: Source, tag: string, running: Portal | undefined): void {
    if (command === undefined || this.tagDoubt({ text, command }, tag) !== undefined)
      return this.#completedUnseen(tag);
    if (command.effect !== undefined && text !== undefined) this.#apply(command.effect, text, tag, running);
  }

  /** Something ran of which the tag is all that is known. */
  #completedUnseen(tag: string): void {
    this.#names.hiddenRan();
    if (/^(?:COMMIT|ROLLBACK|PREPARE TRANSACTION)$/.test(tag)) this.#names.endTransaction(tag !== 'ROLLBACK');
  }

  /** The server has reported every setting that changed. */
  ready(): void {
    this.#unreported = false;
  }

  #apply(effect: Effect, text: CutValue, tag: string, running: Portal | undefined): void {
    const names = this.#names;
    switch (effect.kind) {
      case 'prepare':
        return names.prepare(this.#key(effect.name), this.#bodyOf(effect, text));
      case 'declare':
        return names.bind(
          this.#key(effect.name),
          cursor(effect.name, this.#bodyOf(effect, text)),
          effect.hold ? 'declared' : 'no',
        );
      case 'deallocate':
        if (effect.name === undefined) names.dropNamedStatements();
        else names.dropStatement(this.#key(effect.name));
        return;
      case 'close':
        if (effect.name === undefined) names.dropPortals(running);
        else names.dropPortal(this.#key(effect.name));
        return;
      case 'discard':
        names.dropNamedStatements();
        return names.dropPortals(running);
      default:
        this.#applyToTransaction(effect, tag);
    }
  }

  #applyToTransaction(effect: Effect, tag: string): void {
    if (effect.kind === 'savepoint') this.#names.savepoint(this.#key(effect.name));
    if (effect.kind === 'release') this.#names.release(this.#key(effect.name));
    if (effect.kind === 'rollback-to') this.#names.rollbackTo(this.#key(effect.name));
    if (effect.kind === 'end') this.#names.endTransaction(tag !== 'ROLLBACK');
  }

  #key(name: string): string {
    return this.#settings.sqlKey(name);
  }

  #bodyOf({ name, body }: { readonly name: string; readonly body: Span }, text: CutValue): Prepared {
    return this.prepared(name, piece(text, body), []);
  }
}

/** A piece of a text that is perhaps cut; what is behind the cut belongs to the last piece. */
function piece(text: CutValue, { start, end }: Span): CutValue {
  const { bytes, length } = text;
  const kept = Uint8Array.from(bytes.subarray(start, end));
  return { ...text, bytes: kept, length: kept.length + (end >= bytes.length ? length - bytes.length : 0) };
}

function cursor(name: string, prepared: Prepared): Portal {
  const none = { formats: [], values: [], resultFormats: [], columns: undefined, doubt: undefined };
  return { name, prepared: { ...prepared, name: '' }, ...none };
}

/** The last command of a text that is cut goes on, nobody knows how. */
function withOpenEnd(commands: readonly Command[]): readonly Command[] {
  const last = commands.at(-1);
  return last === undefined
    ? commands
    : [...commands.slice(0, -1), { ...last, effect: undefined, hidden: true }];
}

function readsOtherwise(one: readonly Command[], other: readonly Command[]): boolean {
  return JSON.stringify(one) !== JSON.stringify(other);
}
