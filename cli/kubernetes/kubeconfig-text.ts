/** Entries into and out of a kubeconfig that somebody else's programs write, too. All else in it stays as it is. */
import { isDeepStrictEqual } from 'node:util';
import { type Document, isScalar, isSeq, type Node, parseDocument, Scalar, visit, YAMLSeq } from 'yaml';
import { CustodyError } from '#core/errors.ts';
import { type KubeEntry, MARK } from './entry.ts';

export interface Change {
  /** Which API they are of: entries of others are left alone. */
  readonly api: string;
  readonly entries: readonly KubeEntry[];
  /** The context that is current from now on; where a file has none, it is the first of `entries`. */
  readonly use?: string;
  /** Our entries of any other target go. */
  readonly onlyTargets?: ReadonlySet<string>;
}

const LISTS = [
  ['clusters', 'cluster'],
  ['users', 'user'],
  ['contexts', 'context'],
] as const;
/** Nobody's text is as long; a YAML of a few bytes may stand for one that is. */
const ALIASES_MAX = 100;
const NEW = 'apiVersion: v1\nkind: Config\n';

type Kubeconfig = Readonly<Record<string, unknown>>;
interface Named {
  readonly name?: unknown;
  readonly [part: string]: unknown;
}

/** Throws `format-invalid` for what is no kubeconfig, and `already-exists` where a name is taken by what is not ours. */
export function changed(text: string, change: Change): string {
  const document = read(text);
  const before = plain(document);
  for (const [list, part] of LISTS) changeList(document, before, list, part, change);
  setCurrent(document, before, change);
  const written = document.toString({ lineWidth: 0 });
  refuseLoss(before, plain(read(written)), change);
  return written;
}

/** Whether it has entries of this gateway; false for what is no kubeconfig. */
export function isOurs(text: string, api: string): boolean {
  try {
    const before = plain(read(text));
    return LISTS.some(([list, part]) => listIn(before, list).some((item) => markOf(item[part])?.api === api));
  } catch (error) {
    if (error instanceof CustodyError) return false;
    throw error;
  }
}

/** As texts alone (YAML's failsafe schema): no number, date or `yes` of anybody's is understood, and written in another way. */
function read(text: string): Document {
  const isNew = text.replace(/^\uFEFF/, '').replaceAll(/^\s*(?:#.*)?$/gm, '') === '';
  const document = parseDocument(
    isNew ? `${text}${text === '' || text.endsWith('\n') ? '' : '\n'}${NEW}` : text,
    {
      schema: 'failsafe',
    },
  );
  const [problem] = document.errors;
  if (problem !== undefined) throw noKubeconfig(problem.message.split('\n', 1)[0]!);
  return document;
}

function plain(document: Document): Kubeconfig {
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: ALIASES_MAX });
  } catch (cause) {
    throw noKubeconfig(cause instanceof Error ? cause.message : String(cause));
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw noKubeconfig('it is no map');
  return value as Kubeconfig;
}

/** Nothing, `null` and `~` are an empty list. */
function listIn(config: Kubeconfig, list: string): readonly Named[] {
  const value = config[list];
  if (value === undefined || value === '' || value === 'null' || value === '~') return [];
  if (Array.isArray(value) && value.every((item) => typeof item === 'object' && item !== null))
    return value as readonly Named[];
  throw noKubeconfig(`its ${list} are no list of entries`);
}

function changeList(
  document: Document,
  before: Kubeconfig,
  list: string,
  part: 'cluster' | 'user' | 'context',
  { api, entries, onlyTargets }: Change,
): void {
  const was = listIn(before, list);
  const items = sequence(document, list);
  const places = new Map<string, number>();
  was.forEach((item, at) => void places.set(String(item.name), at));
  for (const entry of entries) {
    const at = places.get(entry.name);
    refuseForeign(
      entry.name,
      was.filter(({ name }) => name === entry.name),
      part,
      api,
    );
    const node = made(document, {
      name: entry.name,
      [part]: kept(entry[part], at === undefined ? {} : was[at]![part]),
    });
    if (at === undefined) items.add(node);
    else items.items[at] = node;
  }
  const written = new Set(entries.map(({ name }) => name));
  items.items = items.items.filter((_, at) => {
    const mark = at < was.length ? markOf(was[at]![part]) : undefined;
    const isGone = onlyTargets !== undefined && mark?.api === api && !onlyTargets.has(mark.target);
    return !isGone || written.has(String(was[at]!.name));
  });
  if (items.items.length === 0 && was.length === 0) put(document, list, made(document, []));
}

/** `kubectl config set-context --namespace` on a context of ours is the person's own. */
function kept(entry: Readonly<Record<string, unknown>>, was: unknown): object {
  const { namespace } = (was ?? {}) as { namespace?: unknown };
  return 'cluster' in entry && entry['namespace'] === undefined && typeof namespace === 'string'
    ? { ...entry, namespace }
    : entry;
}

function sequence(document: Document, list: string): YAMLSeq {
  const node: unknown = document.get(list, true);
  if (isSeq(node)) return node;
  if (node !== undefined && !isScalar(node)) throw noKubeconfig(`its ${list} stand elsewhere in it`);
  const made = new YAMLSeq();
  put(document, list, made);
  return made;
}

function put(document: Document, key: string, value: Node): void {
  document.set(document.has(key) ? key : made(document, key), value);
}

/** In a file of JSON all is quoted, so that it stays one. */
function made(document: Document, value: unknown): Node {
  const isJson = (document.contents as { flow?: boolean } | null)?.flow === true;
  const node = document.createNode(texts(value)) as Node;
  visit(node, {
    Scalar: (key, scalar) => {
      const isFlag = scalar.value === 'true' || scalar.value === 'false';
      if ((key !== 'key' && !isFlag) || isJson) scalar.type = isFlag ? Scalar.PLAIN : Scalar.QUOTE_DOUBLE;
    },
  });
  return node;
}

/** The failsafe schema has no truth values. */
function texts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(texts);
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.fromEntries(Object.entries(value).map(([key, member]) => [key, texts(member)]));
}

function setCurrent(document: Document, before: Kubeconfig, { use, entries }: Change): void {
  const now = before['current-context'];
  const isNone = now === undefined || now === '' || now === 'null' || now === '~';
  const names = new Set(listIn(plain(document), 'contexts').map(({ name }) => name));
  const wanted = use ?? (isNone ? entries[0]?.name : undefined);
  if (wanted !== undefined) put(document, 'current-context', made(document, wanted));
  else if (!isNone && wasThere(before, now) && !names.has(now))
    put(document, 'current-context', made(document, ''));
}

function wasThere(before: Kubeconfig, context: unknown): boolean {
  return listIn(before, 'contexts').some(({ name }) => name === context);
}

interface Mark {
  readonly api: string;
  readonly target: string;
}

function markOf(part: unknown): Mark | undefined {
  const { extensions } = (part ?? {}) as { extensions?: unknown };
  if (!Array.isArray(extensions)) return undefined;
  const ours = (extensions as unknown[]).find(
    (one): one is { extension: Mark } =>
      typeof one === 'object' && one !== null && (one as { name?: unknown }).name === MARK,
  );
  return ours?.extension;
}

function refuseForeign(name: string, there: readonly Named[], part: string, api: string): void {
  if (there.every((item) => markOf(item[part])?.api === api)) return;
  throw new CustodyError(
    'already-exists',
    `the kubeconfig has a ${part} ${name} that is not of this gateway`,
    {
      hint: 'write ours under other names: --prefix NAME-, or take that one out: kubectl config delete-cluster, delete-user, delete-context',
    },
  );
}

/** Whatever is not ours is there as before, or nothing is written. */
function refuseLoss(before: Kubeconfig, after: Kubeconfig, { api, entries }: Change): void {
  const names = new Set(entries.map(({ name }) => name));
  const others = (config: Kubeconfig): unknown => {
    const { 'current-context': _, ...rest } = config;
    const lists = LISTS.map(([list, part]) => {
      const isOurs = (item: Named): boolean =>
        names.has(String(item.name)) || markOf(item[part])?.api === api;
      return [list, listIn(config, list).filter((item) => !isOurs(item))] as const;
    });
    return { ...rest, ...Object.fromEntries(lists) };
  };
  if (!isDeepStrictEqual(others(before), others(after)))
    throw noKubeconfig('it could not be changed without changing what else is in it');
}

function noKubeconfig(why: string): CustodyError {
  return new CustodyError('format-invalid', `the kubeconfig is left as it is: ${why}`, {
    hint: 'look at it with kubectl config view; or write another one: custody kubeconfig --file FILE',
  });
}
