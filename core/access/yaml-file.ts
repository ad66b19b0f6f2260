import {
  type Document,
  type ErrorCode,
  isAlias,
  isMap,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  parseDocument,
  type Scalar,
  visit,
} from 'yaml';
import { CustodyError } from '../errors.ts';

/** Far more than a file that people review; a reader's time and memory stay bounded. */
const MAX_LENGTH = 1 << 20;

/** A YAML file as plain values, and where each of them stands. */
export interface YamlFile {
  readonly value: unknown;
  /** `config-invalid` at the value (or the key) at `path`, or at the nearest thing around it that is there. */
  mistake(path: readonly PropertyKey[], what: string, at: 'key' | 'value'): CustodyError;
}

/**
 * Reads one YAML document (YAML 1.2). Aliases, anchors and tags are refused: a reviewer sees what a file says where it
 * says it, and nothing can grow when it is read. Throws `config-invalid` with file, line and column.
 */
export function readYaml(text: string, fileName: string): YamlFile {
  if (text.length > MAX_LENGTH)
    throw new CustodyError('config-invalid', `${fileName}: the file is too large`);
  const lines = new LineCounter();
  const invalid = (offset: number, what: string) => invalidAt(fileName, lines, offset, what);
  try {
    const document = parse(text, lines, invalid);
    return {
      value: document.toJS({ maxAliasCount: 0 }),
      mistake: (path, what, at) =>
        invalid(offsetOf(document, path, at), path.length === 0 ? what : `${path.join('.')}: ${what}`),
    };
  } catch (cause) {
    if (cause instanceof CustodyError) throw cause;
    throw new CustodyError('config-invalid', `${fileName}: the file is nested too deeply`, { cause });
  }
}

type Invalid = (offset: number, what: string) => CustodyError;

function parse(text: string, lines: LineCounter, invalid: Invalid): Document.Parsed {
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: isSameKey, prettyErrors: false });
  const damaged = text.indexOf('\uFFFD');
  if (damaged >= 0) throw invalid(damaged, 'the file is not UTF-8 here');
  const wrong = document.errors[0] ?? document.warnings[0];
  if (wrong !== undefined) throw invalid(wrong.pos[0], WORDS[wrong.code] ?? wrong.message);
  visit(document, {
    Node: (_key, node) => refuseHidden(node, invalid),
    Pair: (_key, { key }) => refuseCollection(key, invalid),
  });
  if (document.contents === null) throw invalid(0, 'the file is empty');
  return document;
}

/** YAML tells 1 and "1" apart, and true and "true"; as members of an object they are one, and the last would win. */
function isSameKey(one: unknown, other: unknown): boolean {
  return isScalar(one) && isScalar(other) && memberName(one) === memberName(other);
}

function memberName({ value }: Scalar): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? '');
}

/** What has more than one value is no member's name. */
function refuseCollection(key: unknown, invalid: Invalid): void {
  if (isNode(key) && !isScalar(key)) throw invalid(key.range?.[0] ?? 0, 'a key must be text');
}

/** Where the parser's words do not speak to the person who edits the file. */
const WORDS: Partial<Record<ErrorCode, string>> = {
  DUPLICATE_KEY: 'this key is there already',
  MULTIPLE_DOCS: 'the file holds more than one document',
  RESOURCE_EXHAUSTION: 'the file is nested too deeply here',
  TAG_RESOLVE_FAILED: 'tags (!name) are not allowed',
};

/** What would make the file say something that is not to be seen where it says it. */
function refuseHidden(node: Node, invalid: Invalid): void {
  const offset = node.range?.[0] ?? 0;
  if (isAlias(node)) throw invalid(offset, 'aliases (*name) are not allowed: write the value out');
  if (node.anchor !== undefined) throw invalid(offset, 'anchors (&name) are not allowed');
  if (isScalar(node) && node.value === '__proto__') throw invalid(offset, '__proto__ is not allowed');
}

function offsetOf(document: Document.Parsed, path: readonly PropertyKey[], at: 'key' | 'value'): number {
  const key = at === 'key' ? keyNode(document, path) : undefined;
  if (key?.range) return key.range[0];
  for (let length = path.length; length >= 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return node.range[0];
  }
  return 0;
}

function keyNode(document: Document.Parsed, path: readonly PropertyKey[]): Node | undefined {
  const map = document.getIn(path.slice(0, -1), true);
  if (!isMap(map)) return undefined;
  const pair = map.items.find(({ key }) => isScalar(key) && String(key.value) === String(path.at(-1)));
  return isNode(pair?.key) ? pair.key : undefined;
}

function invalidAt(file: string, lines: LineCounter, offset: number, what: string): CustodyError {
  const { line, col } = lines.linePos(offset);
  return new CustodyError('config-invalid', `${file}:${line}:${col}: ${what}`, {
    hint: 'correct the file; custody config check says when it is good',
  });
}
