/**
 * YAML, where all readers agree. The API server's (sigs.k8s.io/yaml, go-yaml 2) reads YAML 1.1 with parts of 1.2: `no` is false to one
 * and a text to another. What kubectl sends as YAML is JSON.
 */
import { type Document, isAlias, isMap, isNode, isScalar, parseAllDocuments, visit } from 'yaml';
import { readJsonText } from './json.ts';
import { BODY_MAX_DEPTH, type BodyValue, sameValue, unreadable, utf8 } from './value.ts';

/** What the API server takes of any body. */
const YAML_MAX_BYTES = 3 << 20;
/** Line breaks to YAML 1.1 alone: a text that has one is folded there. */
const DOUBTFUL = /[\u0085\u2028\u2029\ufeff]/;

export function readYaml(bytes: Uint8Array): BodyValue {
  if (bytes.length > YAML_MAX_BYTES) throw unreadable('is too long for YAML');
  const text = utf8(bytes);
  if (DOUBTFUL.test(text)) throw unreadable('has line breaks of YAML 1.1 alone');
  return /^\s*[{[]/.test(text) ? readFlow(text) : readPlain(text);
}

/** JSON is YAML, as far as it goes. */
function readFlow(text: string): BodyValue {
  const value = readJsonText(text);
  // A quoted merge key is no merge to go-yaml, and one to others.
  if (/"<<"\s*:/.test(text)) throw unreadable('has a merge key');
  return value;
}

function readPlain(text: string): BodyValue {
  checkIndentation(text);
  const old = documentOf(text, '1.1');
  const value = valueOf(old);
  if (!sameValue(value, valueOf(documentOf(text, '1.2'))))
    throw unreadable('reads otherwise in YAML 1.1 and 1.2');
  // Also what is no JSON (dates, infinities) shows here.
  const json = readJsonText(JSON.stringify(value) ?? '');
  if (!sameValue(json, value)) throw unreadable('has what JSON has not');
  return json;
}

/** The library takes its depth from the stack. In block style a level takes a column, in flow style a bracket. */
function checkIndentation(text: string): void {
  if (/\t/.test(text)) throw unreadable('has tabs, which readers of YAML take differently');
  const indented = /^(?: |- ?)*/gm;
  for (const [spaces] of text.matchAll(indented))
    if (spaces.length > 2 * BODY_MAX_DEPTH) throw unreadable('is nested too deep');
  if ((text.match(/[[{]/g)?.length ?? 0) > 10_000) throw unreadable('has too many brackets');
  if (/(?:[[{]\s*){128}/.test(text)) throw unreadable('is nested too deep');
}

function documentOf(text: string, version: '1.1' | '1.2'): Document {
  const documents = parseAllDocuments(text, {
    version,
    strict: true,
    uniqueKeys: true,
    merge: false,
    prettyErrors: false,
    logLevel: 'error',
  });
  const [document] = documents as readonly Document[];
  if (documents.length !== 1 || document === undefined) throw unreadable('is not one document of YAML');
  if (document.errors.length > 0 || document.warnings.length > 0) throw unreadable('is not plain YAML');
  if (document.directives?.docStart === true && /^%/m.test(text)) throw unreadable('has directives');
  checkNodes(document);
  return document;
}

/** Anchors, aliases, tags, merge keys, and keys that are no texts: none of them is in what a client means to send. */
function checkNodes(document: Document): void {
  visit(document, {
    Node: (_, node, path) => {
      if (path.length > 2 * BODY_MAX_DEPTH) throw unreadable('is nested too deep');
      if (isAlias(node) || (isNode(node) && 'anchor' in node && node.anchor !== undefined))
        throw unreadable('has anchors');
      if (node.tag !== undefined) throw unreadable('has tags');
    },
    Pair: (_, { key }, path) => {
      if (!isMap(path.at(-1)) || !isScalar(key) || typeof key.value !== 'string')
        throw unreadable('has a key that is no text');
      if (key.value === '<<' || key.value === '__proto__') throw unreadable('has a merge key');
    },
  });
}

function valueOf(document: Document): unknown {
  return document.toJS({ maxAliasCount: 0 });
}
