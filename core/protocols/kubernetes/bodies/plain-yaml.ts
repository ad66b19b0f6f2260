/**
 * YAML that is no JSON. The API server's reader (sigs.k8s.io/yaml, go-yaml 2) reads YAML 1.1 with parts of 1.2: `no` is false to one and
 * a text to another.
 */
import { type Document, isAlias, isNode, isScalar, Lexer, parseAllDocuments, type Scalar, visit } from 'yaml';
import { readJsonText } from './json.ts';
import { BODY_MAX_DEPTH, type BodyValue, sameValue, unreadable } from './value.ts';

/** Half a second's work for the library at worst, for which everybody else waits. */
const PLAIN_MAX = 64 << 10;
/** Of the library's lexer: the token behind it is a scalar. */
const SCALAR = '\u001f';

export function readPlainYaml(text: string): BodyValue {
  if (text.length > PLAIN_MAX) throw unreadable('is too long for YAML');
  checkTokens(text);
  const old = documentOf(text, '1.1');
  const value = valueOf(old);
  if (!sameValue(value, valueOf(documentOf(text, '1.2'))))
    throw unreadable('reads otherwise in YAML 1.1 and 1.2');
  // Also what is no JSON (dates, infinities) shows here.
  const json = readJsonText(JSON.stringify(value) ?? '');
  if (!sameValue(json, value)) throw unreadable('has what JSON has not');
  return json;
}

/** Deeper are block collections alone. */
const FLOW_MAX_DEPTH = 16;

/**
 * Before it is parsed: the library takes its depth from the stack, and squares of the length for flow collections that are names or
 * lack their end. In block style a level takes a column at least.
 */
function checkTokens(text: string): void {
  if (text.includes('\t')) throw unreadable('has tabs, which readers of YAML take differently');
  for (const [indentation] of text.matchAll(/^[ ?:-]*/gm))
    if (indentation.length > 2 * BODY_MAX_DEPTH) throw unreadable('is nested too deep');
  const open: string[] = [];
  let before = '';
  for (const token of new Lexer().lex(text)) {
    if (before !== SCALAR) checkFlow(open, token, before);
    if (before === SCALAR || !/^[ \n\r]*$/.test(token)) before = before === SCALAR ? '' : token;
  }
  if (open.length > 0) throw unreadable('is not plain YAML');
}

/** Readers take flow style differently where it is not JSON: only lists, and `{}`, which servers write. */
function checkFlow(open: string[], token: string, before: string): void {
  if (before === '{' && token !== '}') throw unreadable('has a map in braces that is not JSON');
  if (token === '{' || token === '[') {
    open.push(token);
    if (open.length > FLOW_MAX_DEPTH) throw unreadable('is nested too deep');
  } else if (token === '}' || token === ']') {
    if (open.pop() !== (token === '}' ? '{' : '[')) throw unreadable('is not plain YAML');
  } else if (token === '?' || (token === ':' && open.length > 0))
    throw unreadable('has a key of another form');
}

function documentOf(text: string, version: '1.1' | '1.2'): Document {
  const documents = parsed(text, {
    version,
    strict: true,
    uniqueKeys: false,
    merge: false,
    prettyErrors: false,
    logLevel: 'error',
  });
  const [document] = documents;
  if (documents.length !== 1 || document === undefined) throw unreadable('is not one document of YAML');
  if (document.errors.length > 0 || document.warnings.length > 0) throw unreadable('is not plain YAML');
  if (document.directives?.docStart === true && /^%/m.test(text)) throw unreadable('has directives');
  checkNodes(document);
  return document;
}

function parsed(text: string, options: Parameters<typeof parseAllDocuments>[1]): readonly Document[] {
  try {
    return parseAllDocuments(text, options) as readonly Document[];
  } catch (thrown) {
    if (thrown instanceof RangeError) throw unreadable('is nested too deep');
    throw thrown;
  }
}

/** Anchors, aliases, tags, merge keys, and keys that are no texts: none of them is in what a client means to send. */
function checkNodes(document: Document): void {
  visit(document, { Scalar: (_, node) => readDot(node) });
  visit(document, {
    Node: (_, node, path) => {
      if (path.length > 2 * BODY_MAX_DEPTH) throw unreadable('is nested too deep');
      if (isAlias(node) || (isNode(node) && 'anchor' in node && node.anchor !== undefined))
        throw unreadable('has anchors');
      if (node.tag !== undefined) throw unreadable('has tags');
    },
    Map: (_, { items }) => checkKeys(items.map(({ key }) => key)),
  });
}

/** To Go it is a text, which managedFields are full of; to the library, by YAML 1.1, a number without digits. */
function readDot(scalar: Scalar): void {
  if (scalar.source === '.') scalar.value = '.';
}

/** The library's own look for a name that is there twice compares each with all. */
function checkKeys(keys: readonly unknown[]): void {
  const names = new Set<string>();
  for (const key of keys) {
    if (!isScalar(key) || typeof key.value !== 'string') throw unreadable('has a key that is no text');
    if (key.value === '<<' || key.value === '__proto__') throw unreadable('has a merge key');
    if (names.has(key.value)) throw unreadable('has a name twice in one object');
    names.add(key.value);
  }
}

function valueOf(document: Document): unknown {
  return document.toJS({ maxAliasCount: 0 });
}
