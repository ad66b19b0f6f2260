import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { CustodyError } from '../errors.ts';
import { canonicalJson } from '../tasks/canonical-json.ts';
import { ContractMistake } from '../tasks/contract.ts';
import type { Selector } from '../tasks/schema.ts';
import { compileWorkflows, type Workflows, type WrittenWorkflow } from '../tasks/workflows.ts';
import type { IssuerEntry } from './identity-schema.ts';
import { type actions, fileSchema } from './schema.ts';
import { readYaml, type YamlFile } from './yaml-file.ts';

/** custody.yaml: targets, identity and access rules, as one reviewed file declares them. Times are in milliseconds. */
export interface Config {
  /** SHA-256 of the file's bytes: every open statement pins it. */
  readonly version: string;
  /** When the file was written, where whoever read it can tell. */
  readonly writtenAt?: Date;
  /** Whose tokens are taken; at least one. */
  readonly issuers: readonly IssuerConfig[];
  readonly targets: ReadonlyMap<string, Target>;
  readonly rules: readonly Rule[];
  /** People who may do nothing any more. */
  readonly disabled: File['disabled'];
  readonly webhooks: File['webhooks'];
  /** Where people open the console; undefined where nobody said. */
  readonly console: string | undefined;
  /** As they are declared; what their commands are is known once they are compiled. */
  readonly workflows: ReadonlyMap<string, WrittenWorkflow>;
  /** The same, ready to be run; none where the file was only parsed. */
  readonly compiled: Workflows;
  readonly devices: File['devices'];
  readonly ssh: File['ssh'];
}

/** An issuer, and what of its tokens a principal has to carry on for rules. */
export type IssuerConfig = IssuerEntry & {
  /** The claims that rules for this issuer name. */
  readonly keptClaims: readonly string[];
};

type File = z.infer<typeof fileSchema>;
export type Target = File['targets'][string] & { readonly name: string };
export type Rule = Readonly<File['rules'][number]>;
export type When = NonNullable<Rule['when']>;
export type Approval = NonNullable<Rule['approval']>;
export type BreakGlass = NonNullable<Rule['breakGlass']>;
export type Action = (typeof actions)[number];

/** Reads custody.yaml. Throws `config-invalid` that names file, line, column, path and what was expected. */
export function parseConfig(text: string, fileName: string): Config {
  const file = readYaml(text, fileName);
  const parsed = fileSchema.safeParse(file.value, { error: wording });
  if (!parsed.success) throw firstMistake(parsed.error.issues, file);
  const { identity, targets, rules, disabled, webhooks, console, workflows, devices, ssh } = parsed.data;
  const named = Object.entries(targets).map(([name, target]) => [name, { ...target, name }] as const);
  return {
    version: createHash('sha256').update(text).digest('hex'),
    issuers: identity.map((issuer) => ({
      ...issuer,
      keptClaims: claimsNamed([...rules, ...selectorsOf(workflows)], issuer),
    })),
    targets: new Map(named),
    rules,
    disabled,
    webhooks,
    console,
    workflows: asWritten(workflows, file.value as { workflows?: Record<string, unknown> }),
    compiled: new Map(),
    devices,
    ssh,
  };
}

/**
 * The same, and what workflows' commands are: only their protocols' parsers know that. Rejects with `config-invalid`, as above. Whoever
 * runs tasks reads the file by this.
 */
export async function readConfig(text: string, fileName: string): Promise<Config> {
  const config = parseConfig(text, fileName);
  try {
    return { ...config, compiled: await compileWorkflows(config) };
  } catch (error) {
    if (!(error instanceof ContractMistake)) throw error;
    throw readYaml(text, fileName).mistake(error.path, error.message, 'value');
  }
}

/** Sorted, so that rules in another order are no change to an issuer. */
function claimsNamed(
  rules: readonly Pick<Rule, 'issuer' | 'claims'>[],
  { name, agent }: IssuerEntry,
): readonly string[] {
  const ofIssuer = rules.filter((rule) => rule.issuer === name);
  const ofAgents = [agent?.name, agent?.model].filter((claim) => claim !== undefined);
  return [
    ...new Set([...ofIssuer.flatMap(({ claims = {} }) => Object.keys(claims)), ...ofAgents]),
  ].toSorted();
}

function asWritten(
  workflows: File['workflows'],
  { workflows: written = {} }: { workflows?: Record<string, unknown> },
): ReadonlyMap<string, WrittenWorkflow> {
  return new Map(
    Object.entries(workflows).map(([name, workflow]) => [
      name,
      { ...workflow, written: canonicalJson(written[name]) },
    ]),
  );
}

/** Everybody whom a workflow names. */
function selectorsOf(workflows: File['workflows']): readonly Selector[] {
  return Object.values(workflows).flatMap(({ startedBy = [], tasks }) => [
    ...startedBy,
    ...Object.values(tasks).flatMap(({ by }) => by),
  ]);
}

/** The JSON Schema of custody.yaml, for editors. */
export function configJsonSchema(): Record<string, unknown> {
  // Read-only is what TypeScript may do with it, and not what people may.
  const override = ({ jsonSchema }: { jsonSchema: z.core.JSONSchema.BaseSchema }): void => {
    delete jsonSchema.readOnly;
  };
  const schema = z.toJSONSchema(fileSchema, { io: 'input', override });
  return { ...schema, title: 'custody.yaml', description: 'Who may reach what through a Custody gateway.' };
}

/** zod's words where they do not speak to the person who edits the file. */
function wording(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      if (issue.input === undefined) return `is missing: expected ${inYaml(issue.expected)}`;
      if (issue.input === null) return `is empty: expected ${inYaml(issue.expected)}`;
      return `expected ${inYaml(issue.expected)}`;
    case 'invalid_value':
    case 'invalid_union':
      return issue.input === undefined ? 'is missing' : undefined;
    default:
      return undefined;
  }
}

function inYaml(type: string): string {
  const names: Readonly<Record<string, string>> = {
    object: 'a mapping',
    record: 'a mapping',
    array: 'a list',
  };
  return names[type] ?? (type === 'int' ? 'a whole number' : `a ${type}`);
}

/** A misspelt key comes first: what is then missing follows from it. */
function firstMistake(issues: readonly z.core.$ZodIssue[], file: YamlFile): CustodyError {
  const issue = issues.find(({ code }) => code === 'unrecognized_keys') ?? issues[0]!;
  const { path } = issue;
  switch (issue.code) {
    case 'unrecognized_keys':
      return file.mistake([...path, issue.keys[0]!], 'there is no such key here', 'key');
    case 'invalid_key':
      return file.mistake(path, issue.issues[0]?.message ?? issue.message, 'key');
    case 'invalid_union': {
      const meant = shapeMeant(issue);
      return meant === undefined ? file.mistake(path, issue.message, 'value') : firstMistake(meant, file);
    }
    default:
      return file.mistake(path, issue.message, 'value');
  }
}

/**
 * Of a key that takes several shapes, what is wrong with the one that was written; of one thing or a list of them, the thing where it
 * is neither. Undefined where nobody can tell which was meant.
 */
function shapeMeant({ path, errors }: z.core.$ZodIssueInvalidUnion): readonly z.core.$ZodIssue[] | undefined {
  const taken = errors.filter((shape) => shape.every((issue) => !isOfShape(issue)));
  const single = errors.filter((shape) => !shape.some((issue) => isOfShape(issue) && expectsList(issue)));
  const [meant, ...others] = taken.length === 0 && single.length < errors.length ? single : taken;
  if (others.length > 0) return undefined;
  return meant?.map((issue) => ({ ...issue, path: [...path, ...issue.path] }));
}

/** It is about the thing as a whole. */
function isOfShape({ code, path }: z.core.$ZodIssue): boolean {
  return path.length === 0 && ['invalid_type', 'invalid_value', 'invalid_union'].includes(code);
}

function expectsList(issue: z.core.$ZodIssue): boolean {
  return issue.code === 'invalid_type' && issue.expected === 'array';
}
