/** What a body does that a rule may care about: which pods it makes, and what is in them. */
import { type BodyObject, type BodyValue, isList, isObject, memberOf, textOf } from './value.ts';

export interface BodyNames {
  readonly apiVersion?: string;
  readonly kind?: string;
  readonly name?: string;
  readonly generateName?: string;
  readonly namespace?: string;
}

/** How a body calls the object that it is, or is a patch of. */
export function bodyNames(value: BodyValue): BodyNames {
  const names = {
    apiVersion: textOf(memberOf(value, 'apiVersion')),
    kind: textOf(memberOf(value, 'kind')),
    name: textOf(memberOf(value, 'metadata', 'name')),
    generateName: textOf(memberOf(value, 'metadata', 'generateName')),
    namespace: textOf(memberOf(value, 'metadata', 'namespace')),
  };
  return Object.fromEntries(Object.entries(names).filter(([, name]) => name !== undefined));
}

export interface ContainerCommand {
  readonly container: string;
  readonly image?: string;
  /** `command` and `args`, one after the other; of a probe or hook its `exec`. Empty: what the image says. */
  readonly words: readonly string[];
}

export interface EphemeralContainer {
  readonly name: string;
  readonly image?: string;
  readonly targetContainerName?: string;
  readonly words: readonly string[];
}

export interface PodFacts {
  readonly commands: readonly ContainerCommand[];
  readonly images: readonly string[];
  readonly containers: readonly string[];
  readonly initContainers: readonly string[];
  readonly ephemeralContainers: readonly EphemeralContainer[];
  /** Any of them. */
  readonly privileged: boolean;
  readonly hostPID: boolean;
  readonly hostIPC: boolean;
  readonly hostNetwork: boolean;
  readonly hostPaths: readonly string[];
  readonly capabilities: readonly string[];
  readonly nodeName?: string;
  readonly serviceAccountName?: string;
  /** What comes of it does not follow from the body alone: an operation that copies, a directive, something of no known form. */
  readonly unsure: boolean;
}

/**
 * What a body says of pods: one, a template of them, or a patch of either. Undefined where it says nothing of them. Of a patch only
 * what it brings; a value that stands where no other reader would look for one makes it `unsure`.
 */
export function podFacts(value: BodyValue): PodFacts | undefined {
  const found = new Finder();
  if (isList(value)) for (const operation of value) found.operation(operation);
  else found.object(value);
  return found.facts;
}

/** Where pods' specs are: of a Pod, of what has a template, of a CronJob, of a PodTemplate. */
const SPECS = [
  ['spec'],
  ['spec', 'template', 'spec'],
  ['spec', 'jobTemplate', 'spec', 'template', 'spec'],
  ['template', 'spec'],
] as const;

/** What a pod's spec has, and no other. */
const OF_PODS: ReadonlySet<string> = new Set([
  'containers',
  'initContainers',
  'ephemeralContainers',
  'hostPID',
  'hostIPC',
  'hostNetwork',
  'nodeName',
  'serviceAccountName',
  'serviceAccount',
  'volumes',
  'securityContext',
]);

/** Also a field of protobuf that has no name here. */
function isOfPods(name: string): boolean {
  return OF_PODS.has(name) || name.startsWith('#');
}

const CONTAINER_LISTS = ['containers', 'initContainers', 'ephemeralContainers'] as const;

class Finder {
  #found = false;
  #unsure = false;
  readonly #commands: ContainerCommand[] = [];
  readonly #names = { containers: [] as string[], initContainers: [] as string[] };
  readonly #ephemeral: EphemeralContainer[] = [];
  readonly #hostPaths: string[] = [];
  readonly #capabilities = new Set<string>();
  readonly #images = new Set<string>();
  readonly #flags = { privileged: false, hostPID: false, hostIPC: false, hostNetwork: false };
  #nodeName: string | undefined;
  #account: string | undefined;

  get facts(): PodFacts | undefined {
    if (!this.#found && !this.#unsure) return undefined;
    return {
      commands: this.#commands,
      images: [...this.#images],
      ...this.#names,
      ephemeralContainers: this.#ephemeral,
      ...this.#flags,
      hostPaths: this.#hostPaths,
      capabilities: [...this.#capabilities],
      ...(this.#nodeName === undefined ? {} : { nodeName: this.#nodeName }),
      ...(this.#account === undefined ? {} : { serviceAccountName: this.#account }),
      unsure: this.#unsure,
    };
  }

  object(value: BodyValue): void {
    for (const path of SPECS) this.#spec(memberOf(value, ...path));
    if (isList(memberOf(value, 'items')))
      for (const item of memberOf(value, 'items') as readonly BodyValue[]) this.object(item);
  }

  /** RFC 6902: put where it will be, its value is a patch like others. What is copied or moved cannot be seen. */
  operation(operation: BodyValue): void {
    const [op, path] = [textOf(memberOf(operation, 'op')), textOf(memberOf(operation, 'path'))];
    if (op === 'test') return;
    // Some read `x/spec` as `/spec`.
    const isPointer = path === '' || path?.startsWith('/') === true;
    if (!isPointer || (op !== 'add' && op !== 'replace' && op !== 'remove')) this.#doubt();
    else if (op !== 'remove') this.object(placed(path, memberOf(operation, 'value') ?? null));
  }

  #spec(spec: BodyValue | undefined): void {
    if (!isObject(spec) || !Object.keys(spec).some(isOfPods)) return;
    this.#found = true;
    this.#directives(spec);
    for (const name of ['hostPID', 'hostIPC', 'hostNetwork'] as const)
      if (this.#isTrue(spec[name])) this.#flags[name] = true;
    this.#nodeName = this.#text(spec['nodeName']) ?? this.#nodeName;
    this.#account =
      this.#text(spec['serviceAccountName']) ?? this.#text(spec['serviceAccount']) ?? this.#account;
    for (const name of CONTAINER_LISTS)
      for (const container of this.#list(spec[name])) this.#container(name, container);
    for (const volume of this.#list(spec['volumes'])) this.#volume(volume);
  }

  #volume(volume: BodyObject): void {
    const host = ownMember(volume, 'hostPath');
    if (host === undefined || host === null) return;
    this.#hostPaths.push(this.#text(memberOf(host, 'path')) ?? '');
  }

  #container(list: (typeof CONTAINER_LISTS)[number], container: BodyObject): void {
    this.#directives(container);
    const name = this.#text(container['name']) ?? '';
    const image = this.#text(container['image']);
    const words = [...this.#words(container['command']), ...this.#words(container['args'])];
    if (image !== undefined) this.#images.add(image);
    this.#commands.push({ container: name, ...(image === undefined ? {} : { image }), words });
    this.#hooks(container, name);
    this.#security(container['securityContext']);
    if (list !== 'ephemeralContainers') {
      this.#names[list].push(name);
      return;
    }
    const target = this.#text(container['targetContainerName']);
    this.#ephemeral.push({
      name,
      ...(image === undefined ? {} : { image }),
      ...(target === undefined ? {} : { targetContainerName: target }),
      words,
    });
  }

  /** Commands that run in a container beside its own. */
  #hooks(container: BodyObject, name: string): void {
    const places = [
      ['livenessProbe'],
      ['readinessProbe'],
      ['startupProbe'],
      ['lifecycle', 'postStart'],
      ['lifecycle', 'preStop'],
    ];
    for (const place of places) {
      const words = this.#words(memberOf(container, ...place, 'exec', 'command'));
      if (words.length > 0) this.#commands.push({ container: name, words });
    }
  }

  #security(context: BodyValue | undefined): void {
    if (context === undefined || context === null) return;
    if (this.#isTrue(memberOf(context, 'privileged'))) this.#flags.privileged = true;
    for (const name of this.#words(memberOf(context, 'capabilities', 'add'))) this.#capabilities.add(name);
  }

  /** `$patch`, `$retainKeys` and the like of a strategic merge, and fields of protobuf that have no name here. */
  #directives(object: BodyObject): void {
    const isOrder = (name: string): boolean => name.startsWith('$setElementOrder/');
    if (Object.keys(object).some((name) => /^[$#]/.test(name) && !isOrder(name))) this.#doubt();
  }

  #list(value: BodyValue | undefined): readonly BodyObject[] {
    if (value === undefined || value === null) return [];
    const list = isList(value) ? value : [];
    if (!isList(value) || !list.every(isObject)) this.#doubt();
    return list.filter(isObject);
  }

  #words(value: BodyValue | undefined): readonly string[] {
    if (value === undefined || value === null) return [];
    const words = isList(value) ? value : [];
    if (!isList(value) || !words.every((word) => typeof word === 'string')) this.#doubt();
    return words.filter((word) => typeof word === 'string');
  }

  #text(value: BodyValue | undefined): string | undefined {
    if (value !== undefined && value !== null && typeof value !== 'string') this.#doubt();
    return typeof value === 'string' && value !== '' ? value : undefined;
  }

  #isTrue(value: BodyValue | undefined): boolean {
    if (value !== undefined && value !== null && typeof value !== 'boolean') this.#doubt();
    return value === true;
  }

  #doubt(): void {
    this.#unsure = true;
  }
}

function ownMember(object: BodyObject, name: string): BodyValue | undefined {
  return Object.hasOwn(object, name) ? object[name] : undefined;
}

/** Deeper is no value of a pod. */
const POINTER_MAX = 32;

/** An object that has `value` at the end of a JSON pointer (RFC 6901); numbers and `-` are places in a list. */
function placed(pointer: string, value: BodyValue): BodyValue {
  if (pointer === '') return value;
  const names = pointer
    .slice(1)
    .split('/')
    .slice(0, POINTER_MAX)
    .map((name) => name.replaceAll('~1', '/').replaceAll('~0', '~'));
  return names.reduceRight<BodyValue>(
    (of, name) => (/^(?:-|-?\d+)$/.test(name) ? [of] : Object.fromEntries([[name, of]])),
    value,
  );
}
