/** The parse tree without values: what two texts of one shape have in common. */
import { createHash } from 'node:crypto';
import { isJsonObject } from '#core/json.ts';
import { canonicalJson } from '#core/tasks/canonical-json.ts';
import { constantOf, type Located, parameterOf } from './constants.ts';
import type { SourceText } from './source-text.ts';
import { type Json, numberIn } from './tree.ts';
import { unreadable } from './unreadable.ts';

export interface Canonical {
  readonly shape: string;
  /** In the order of the text. */
  readonly places: readonly Located[];
}

/**
 * `statement`: the node of a `RawStmt`, such as `{ SelectStmt: … }`. All stays but for places in the text, and for constants and
 * parameters where a value can stand: there is which of the text's values it is. Throws `Unreadable`.
 */
export function canonicalForm(statement: Json, text: SourceText): Canonical {
  const places: Place[] = [];
  const tree = new Stripper(text, places).strip(statement, opening(statement));
  const ordered = places.toSorted((one, other) => one.located.start - other.located.start);
  for (const [at, { marker }] of ordered.entries()) marker.place = at + 1;
  const shape = createHash('sha256')
    .update(`postgres 18\n${canonicalJson(tree)}`)
    .digest('hex');
  return { shape, places: ordered.map(({ located }) => located) };
}

/** What stands in the tree for a value. No node of a tree has members of these names. */
interface Marker {
  place: number;
  readonly of: 'value' | 'list' | 'array';
}

interface Place {
  readonly marker: Marker;
  readonly located: Located;
}

/** `open`: values can stand here. `holds`: they will, in the query that a command has. */
type State = 'open' | 'holds' | 'closed';

const QUERIES = new Set(['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt']);
/** Commands that run the query which they have; others (CREATE VIEW) keep it, with its constants. */
const RUN_QUERIES = new Set(['ExplainStmt', 'CopyStmt', 'DeclareCursorStmt', 'CreateTableAsStmt']);
/** A constant that stands here by itself is the number of a column, and `$n` is not. */
const POSITIONAL = new Set(['groupClause', 'distinctClause', 'content', 'node']);
/** What stands here says what a type is, or how a command is to work. */
const CLOSED = new Set(['typmods', 'DefElem']);
/** Bytes and items of the text, and not of what it means. */
const LOCATIONS = new Set([
  'location',
  'stmt_location',
  'stmt_len',
  'list_start',
  'list_end',
  'rexpr_list_start',
  'rexpr_list_end',
]);

function opening(statement: Json): State {
  const [kind = ''] = Object.keys(statement);
  if (QUERIES.has(kind) || kind === 'CallStmt') return 'open';
  return RUN_QUERIES.has(kind) ? 'holds' : 'closed';
}

/** A part of the tree that is stripped already. */
class Stripped {
  readonly tree: unknown;

  constructor(tree: unknown) {
    this.tree = tree;
  }
}

class Stripper {
  readonly #text: SourceText;
  readonly #places: Place[];

  constructor(text: SourceText, places: Place[]) {
    this.#text = text;
    this.#places = places;
  }

  strip(value: unknown, state: State): unknown {
    if (Array.isArray(value)) return value.map((one) => this.strip(one, state));
    if (value instanceof Stripped) return value.tree;
    if (!isJsonObject(value)) return value;
    const located = this.#value(value, state);
    return located === undefined ? this.#members(value, state) : this.#place(located, 'value');
  }

  /** What a node is where it stands for one value. */
  #value({ A_Const: constant, ParamRef: parameter }: Json, state: State): Located | undefined {
    if (isJsonObject(parameter)) {
      if (state === 'open') return parameterOf(parameter, this.#text);
      throw unreadable('has a parameter where no value can be given');
    }
    return isJsonObject(constant) && state === 'open' ? constantOf(constant, this.#text) : undefined;
  }

  #place(located: Located, of: Marker['of']): Marker {
    const marker: Marker = { place: 0, of };
    this.#places.push({ marker, located });
    return marker;
  }

  #members(node: Json, state: State): Json {
    const members = Object.entries(node)
      .filter(([name, member]) => !(LOCATIONS.has(name) && typeof member === 'number'))
      .map(([name, member]) => [name, this.#member(name, member, state)] as const);
    return Object.fromEntries(members);
  }

  #member(name: string, member: unknown, state: State): unknown {
    if (state === 'holds' && QUERIES.has(name)) return this.strip(member, 'open');
    if (state !== 'open') return this.strip(member, state);
    if (CLOSED.has(name)) return this.strip(member, 'closed');
    if (POSITIONAL.has(name)) return this.#positional(member);
    if (!isJsonObject(member)) return this.strip(member, 'open');
    if (name === 'A_Expr') return this.strip(this.#expression(member), 'open');
    if (name === 'A_ArrayExpr') return this.strip(this.#listed(member, 'elements'), 'open');
    return this.strip(name === 'TypeCast' ? this.#cast(member) : member, 'open');
  }

  #positional(member: unknown): unknown {
    if (Array.isArray(member)) return member.map((one) => this.#positional(one));
    const isConstant = isJsonObject(member) && 'A_Const' in member;
    return this.strip(member, isConstant ? 'closed' : 'open');
  }

  /** `IN (…)` has a list of members, `= ANY ($1)` one array. */
  #expression(node: Json): Json {
    const { kind, rexpr } = node;
    if (!isJsonObject(rexpr)) return node;
    if (kind === 'AEXPR_IN' && isJsonObject(rexpr['List']))
      return { ...node, rexpr: { List: this.#listed(rexpr['List'], 'items') } };
    const isArray = kind === 'AEXPR_OP_ANY' || kind === 'AEXPR_OP_ALL';
    return isArray ? { ...node, rexpr: this.#array(rexpr) } : node;
  }

  /** `$1::integer[]` is one array as well. */
  #cast(node: Json): Json {
    const { arg, typeName, location } = node;
    if (!isJsonObject(typeName) || !isJsonObject(arg)) return node;
    if (location === -1) return { ...node, arg: this.#typed(arg, typeName) };
    return typeName['arrayBounds'] === undefined ? node : { ...node, arg: this.#array(arg) };
  }

  /** `DATE '2026-11-29'`, which is the same as a cast; with a precision or unit (`INTERVAL '1' DAY`) the value is part of the shape. */
  #typed(constant: Json, typeName: Json): unknown {
    const located = this.#value(constant, 'open');
    if (located === undefined || typeName['typmods'] !== undefined) return this.#closed(constant);
    const start = numberIn(typeName, 'location');
    return new Stripped(this.#place({ ...located, start, type: located.start }, 'value'));
  }

  #closed(node: Json): Stripped {
    return new Stripped(this.strip(node, 'closed'));
  }

  #array(node: Json): unknown {
    const located = this.#value(node, 'open');
    if (located === undefined) return node;
    const { source } = located;
    if ('literal' in source && source.literal.kind !== 'text' && source.literal.text !== null) return node;
    return new Stripped(this.#place({ ...located, source: { array: source } }, 'array'));
  }

  /** Members that are all constants or parameters are one place, however many they are. */
  #listed(node: Json, name: 'items' | 'elements'): Json {
    const members = node[name];
    if (!Array.isArray(members) || members.length === 0) return node;
    const located = members.map((one) => (isJsonObject(one) ? this.#value(one, 'open') : undefined));
    if (!located.every((one) => one !== undefined)) return node;
    const list = { list: located.map(({ source }) => source) };
    const [start, end] = [located[0]!.start, located.at(-1)!.end];
    return { ...node, [name]: new Stripped(this.#place({ source: list, start, end }, 'list')) };
  }
}
