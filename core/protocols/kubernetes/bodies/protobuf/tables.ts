/** Fields of all types of Kubernetes' own API that have a protobuf form, as their Go structs say (test/vectors/kubernetes/bodies/make). */
import stored from './tables.json' with { type: 'json' };

export interface Field {
  /** In JSON; undefined where the fields of its message are the object's own. */
  readonly name: string | undefined;
  readonly type: FieldType;
  /** JSON leaves its zero value out. */
  readonly omitsZero: boolean;
}

export type FieldType =
  | { readonly kind: 'scalar'; readonly scalar: Scalar }
  | { readonly kind: 'message'; readonly message: number }
  | { readonly kind: 'special'; readonly special: Special }
  /** `wrapped`: the list is a message of its own, with its elements in field 1. */
  | { readonly kind: 'list' | 'wrapped' | 'map'; readonly of: FieldType };

const SCALARS = { s: 'text', b: 'boolean', n: 'int32', i: 'int64', d: 'double', B: 'bytes' } as const;
export type Scalar = (typeof SCALARS)[keyof typeof SCALARS];

/** Types with a JSON form of their own. */
const SPECIALS = [
  'Time',
  'MicroTime',
  'Duration',
  'Json',
  'Quantity',
  'IntOrString',
  'Raw',
  'SchemaOrArray',
  'SchemaOrBool',
  'SchemaOrStrings',
] as const;
export type Special = (typeof SPECIALS)[number];

export type Fields = ReadonlyMap<number, Field>;

const KINDS: Readonly<Record<string, Readonly<Record<string, number>>>> = stored.kinds;

/** The number of the message that an object of this kind is. */
export function messageOf(apiVersion: string, kind: string): number | undefined {
  const kinds = Object.hasOwn(KINDS, apiVersion) ? KINDS[apiVersion]! : {};
  return Object.hasOwn(kinds, kind) ? kinds[kind] : undefined;
}

/** One reader's: a body has a few dozen of the thousand types. */
export class Tables {
  readonly #read = new Map<number, Fields>();

  fieldsOf(message: number): Fields {
    let fields = this.#read.get(message);
    if (fields === undefined) this.#read.set(message, (fields = readFields(stored.messages[message]!)));
    return fields;
  }
}

function readFields(lines: readonly string[]): Fields {
  return new Map(
    lines.map((line) => {
      const [number, name, type] = line.split(' ') as [string, string, string];
      const omitsZero = type.endsWith('?');
      const read = typeOf(omitsZero ? type.slice(0, -1) : type);
      return [Number(number), { name: name === '-' ? undefined : name, type: read, omitsZero }];
    }),
  );
}

const OF = { '[': 'list', '~': 'wrapped', '{': 'map' } as const;

function typeOf(text: string): FieldType {
  const first = text[0]!;
  if (first in OF) return { kind: OF[first as keyof typeof OF], of: typeOf(text.slice(1)) };
  if (/^\d+$/.test(text)) return { kind: 'message', message: Number(text) };
  if (text in SCALARS) return { kind: 'scalar', scalar: SCALARS[text as keyof typeof SCALARS] };
  return { kind: 'special', special: text as Special };
}
