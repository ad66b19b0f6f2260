import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import { parseAst } from 'vitest/node';

/** The arrows of ARCHITECTURE.md, on one file at a time. */

/** Which folders each folder may import from, besides itself. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  core: [],
  adapters: ['core'],
  'fargate-proxy': ['core', 'adapters'],
  lambdas: ['core', 'adapters'],
  cli: ['core', 'adapters'],
  cdk: [],
  console: [],
  local: ['core', 'adapters', 'fargate-proxy', 'lambdas', 'cli'],
  // It puts together what the others are built to.
  pack: ['cdk', 'cli'],
  test: ['core', 'adapters', 'fargate-proxy', 'lambdas', 'cli', 'cdk', 'console', 'local', 'pack'],
};

/** package.json's `imports`. */
const ALIASES: Readonly<Record<string, string>> = {
  '#core': 'core',
  '#adapters': 'adapters',
  '#proxy': 'fargate-proxy',
  '#lambdas': 'lambdas',
  '#local': 'local',
  '#cli': 'cli',
  '#cdk': 'cdk',
  '#pack': 'pack',
  '#test': 'test',
};

/** What core may use of Node: nothing that reaches a network, a disk, the environment, a process or a clock. */
const CORE_BUILTINS = ['node:buffer', 'node:crypto', 'node:util', 'node:zlib'];
/** One file alone tells V8 how to compile what it loads: it says why. */
const COMPILER = { file: 'core/protocols/postgres/shapes/module.ts', builtin: 'node:v8' } as const;

interface Node {
  readonly type: string;
  readonly [field: string]: unknown;
}

interface Import {
  readonly specifier: string;
  readonly typeOnly: boolean;
}

/** What breaks a rule in a file, in words; empty when nothing does. `path` is relative to the project, with `/`. */
export function brokenArrows(path: string, text: string): string[] {
  const nodes = nodesOf(path, text);
  const broken = importsOf(nodes).flatMap((found) => brokenBy(path, found));
  const ambient = path.startsWith('core/') ? nodes.flatMap(ambientUse) : [];
  return [...broken, ...nodes.flatMap(unreadable(path)), ...ambient];
}

/** The files of this project that a file imports, types and `import()` included. */
export function importedFiles(path: string, text: string): string[] {
  const found = importsOf(nodesOf(path, text)).map(({ specifier }) => resolve(path, specifier));
  return found.filter((to) => to !== undefined);
}

function nodesOf(path: string, text: string): readonly Node[] {
  const program = parseAst(text, {
    lang: path.endsWith('.mjs') ? 'js' : path.endsWith('.tsx') ? 'tsx' : 'ts',
    astType: 'ts',
  }) as unknown;
  return [...walk(program as Node)];
}

/** main.ts chooses between two files, of which each knows one kind of surroundings; a gateway asks whoever vouches for people. */
function mayChoose(path: string, to: string): boolean {
  if (path === 'fargate-proxy/on-aws.ts') return to.startsWith('adapters/aws/');
  if (path.startsWith('fargate-proxy/on-laptop/')) return to.startsWith('adapters/local/');
  return path === 'fargate-proxy/gateway-process.ts' && !/^adapters\/(?:aws|local)\//.test(to);
}

function brokenBy(path: string, { specifier, typeOnly }: Import): string[] {
  const from = path.split('/')[0]!;
  const to = resolve(path, specifier);
  if (to === undefined) return brokenPackage(path, specifier);
  const area = to.split('/')[0]!;
  const says = (why: string): string[] => [`${specifier}: ${why}`];
  if (from === 'cdk' && isForCdk(to, typeOnly)) return [];
  if (from === 'console' && isForConsole(to, typeOnly)) return [];
  if (area === 'console' && /^(?:cdk|cli|local|pack)$/.test(from) && to.startsWith('console/build/'))
    return [];
  if (from === 'lambdas' && SERVING.test(to)) return [];
  if (from === 'cli' && DEPLOYMENT.test(to)) return [];
  if (area !== from && !(MAY_IMPORT[from] ?? []).includes(area))
    return says(`${from} may not import ${area}`);
  if (from === 'test' || from === 'local') return [];
  if (area === 'adapters' && from === 'adapters' && second(to) !== second(path)) {
    return says('adapters share no code with each other');
  }
  if (area === 'adapters' && from === 'fargate-proxy' && !mayChoose(path, to)) {
    return says('only fargate-proxy/gateway-process.ts, on-aws.ts and on-laptop/ choose adapters');
  }
  const [own, other] = [protocolOf(path), protocolOf(to)];
  if (own !== undefined && other !== undefined && own !== other) {
    return says('one protocol never imports another');
  }
  return [];
}

function brokenPackage(path: string, specifier: string): string[] {
  if (isBuiltin(specifier)) {
    const name = specifier.startsWith('node:') ? specifier : `node:${specifier}`;
    if (path === COMPILER.file && name === COMPILER.builtin) return [];
    return path.startsWith('core/') && !CORE_BUILTINS.includes(name)
      ? [`${specifier}: core has no socket, file, process, environment or clock`]
      : [];
  }
  const ours = path.startsWith('adapters/aws/') || path.startsWith('test/');
  return /^@(?:aws-sdk|smithy)\//.test(specifier) && !ours
    ? [`${specifier}: only adapters/aws imports the AWS SDK`]
    : [];
}

/** A path in this project, or undefined for a package. */
function resolve(path: string, specifier: string): string | undefined {
  if (/^(?:\/|file:|data:|https?:)/.test(specifier)) return '(an address)';
  if (/^\.{1,2}\//.test(specifier)) return posix.join(posix.dirname(path), specifier);
  if (!specifier.startsWith('#')) return undefined;
  const [alias, ...rest] = specifier.split('/');
  return posix.join(ALIASES[alias!] ?? alias!, ...rest);
}

function second(path: string): string | undefined {
  return path.split('/')[1];
}

function protocolOf(path: string): string | undefined {
  return /^(?:core|fargate-proxy)\/protocols\/([^/]+)\//.exec(path)?.[1];
}

/** What a server of the console needs: its addresses, its headers, and the answers; nothing that builds it. */
const SERVING = /^console\/build\/(?:addresses|edge-headers|headers|serving)\.ts$/;

/** What reads the settings of a deployment, and loads nothing of the CDK. */
const DEPLOYMENT = /^cdk\/(?:config|config-folder)\.ts$/;

/** Plain data, and what checks custody.yaml; of the environment, types alone. */
function isForCdk(path: string, typeOnly: boolean): boolean {
  if (
    /^core\/(?:errors\.ts$|ledger\/layout\.ts$|access\/|protocols\/(?:protocols|[^/]+\/schema)\.ts$)/.test(
      path,
    ) ||
    path === 'adapters/aws/tables.ts'
  )
    return true;
  return typeOnly && /^(?:lambdas\/[^/]+|fargate-proxy|adapters\/aws)\/env\.ts$/.test(path);
}

/** What opens checkpoints, tiles and leaves and holds them against each other; nothing that writes a ledger or asks a store. */
const LEDGER_VERIFIER =
  /^core\/ledger\/(?:audit-findings|checkpoint|layout|leaf|leaf-proof|merkle|note|proof-file|reader|run-proof|session-proof|tiles|tree)\.ts$/;

/** The verifiers of recordings, of runs and of the ledger, and the readers; of the API, types alone. */
function isForConsole(path: string, typeOnly: boolean): boolean {
  if (typeOnly && path.startsWith('lambdas/')) return true;
  if (LEDGER_VERIFIER.test(path)) return true;
  return /^core\/(?:(?:errors|json)\.ts$|recording\/(?:layout\.ts$|verify\/)|replay\/|tasks\/(?:run-folder\.ts$|proof\/|verify\/))/.test(
    path,
  );
}

/** Every import, re-export, type import and `import()` with a fixed name. */
function importsOf(nodes: readonly Node[]): Import[] {
  return nodes.flatMap((node) => {
    const source = node['source'] as Node | null | undefined;
    if (typeof source?.['value'] !== 'string' || !/^(?:Import|Export|TSImport)/.test(node.type)) return [];
    const typeOnly =
      [node['importKind'], node['exportKind']].includes('type') || node.type === 'TSImportType';
    return [{ specifier: source['value'], typeOnly }];
  });
}

/** An import that no reader of the file could follow would get around every rule. */
function unreadable(path: string): (node: Node) => string[] {
  if (/^(?:test|local)\//.test(path)) return () => [];
  return (node) => {
    const hidden = node.type === 'ImportExpression' && (node['source'] as Node).type !== 'Literal';
    const required =
      node.type === 'Identifier' && ['require', 'createRequire'].includes(String(node['name']));
    return hidden || required ? ['an import that does not name its file'] : [];
  };
}

/** Core's own reading of clock, chance or environment; `Reference` nodes are made by `walk`. */
function ambientUse(node: Node): string[] {
  if (node.type !== 'Reference') return [];
  const [name, parent] = [String(node['name']), node['parent'] as Node];
  if (['process', 'performance', 'globalThis', 'global'].includes(name)) return [`core uses ${name}`];
  if (name === 'Math' && !isMemberOtherThan(parent, ['random'])) return ['core uses Math.random'];
  if (name === 'Date' && !isDateOfValue(parent)) return ['core reads the clock with Date'];
  return [];
}

function isMemberOtherThan(parent: Node, forbidden: readonly string[]): boolean {
  return isFixedMember(parent) && !forbidden.includes(memberName(parent));
}

/** `new Date(value)`, `Date.parse(…)`, `Date.UTC(…)`, `… instanceof Date`. */
function isDateOfValue(parent: Node): boolean {
  const given = parent['arguments'] as readonly unknown[] | undefined;
  if (parent.type === 'NewExpression') return given!.length > 0;
  if (parent.type === 'BinaryExpression') return parent['operator'] === 'instanceof';
  return isFixedMember(parent) && ['parse', 'UTC'].includes(memberName(parent));
}

function isFixedMember(node: Node): boolean {
  return node.type === 'MemberExpression' && node['computed'] === false;
}

function memberName(node: Node): string {
  return String((node['property'] as Node)['name']);
}

/** Every node; and after an identifier that stands for a value, a `Reference` that knows where it stands. */
function* walk(node: Node, parent?: Node, field?: string): Generator<Node> {
  yield node;
  if (node.type === 'Identifier' && parent !== undefined && isReference(parent, field!)) {
    yield { type: 'Reference', name: node['name'], parent };
  }
  for (const [name, value] of Object.entries(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (isNode(child)) yield* walk(child, node, name);
    }
  }
}

/** Not the name of a member, of a key, or of a type. */
function isReference(parent: Node, field: string): boolean {
  if (parent.type.startsWith('TS') && !/^TS(?:As|Satisfies|NonNull|Instantiation)/.test(parent.type)) {
    return false;
  }
  if (field === 'property') return parent['computed'] === true;
  return field !== 'key' || parent['computed'] === true || parent['shorthand'] === true;
}

function isNode(value: unknown): value is Node {
  return typeof value === 'object' && value !== null && typeof (value as Node).type === 'string';
}
