import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { CustodyError } from '../errors.ts';
import { durabilityModes } from '../recording/format.ts';
import { readYaml, type YamlFile } from './yaml-file.ts';

/** custody.yaml: targets, identity and access rules, as one reviewed file declares them. */
export interface Config {
  /** SHA-256 of the file's bytes: every open statement pins it. */
  readonly version: string;
  readonly identity: Identity;
  readonly targets: ReadonlyMap<string, Target>;
  readonly rules: readonly Rule[];
}

export type Identity = z.infer<typeof identitySchema>;
export type Target = z.infer<typeof targetSchema> & { readonly name: string };
export type Rule = z.infer<typeof ruleSchema>;
export type Action = Rule['allow'][number];

const NAME = '[a-z0-9][a-z0-9-]{0,62}';
const NAME_RULE = 'a name has lower-case letters, digits and hyphens, at most 63, and no hyphen first';
const name = z.string().regex(new RegExp(`^${NAME}$`), NAME_RULE);
/** As long as a DNS name can be (RFC 1035 section 2.3.4): an address must fit into the open statement. */
const HOST_MAX = 253;
/** The issuer stands in every open statement, which has a limit. */
const ISSUER_MAX = 512;

/** host:port, with an IPv6 address in brackets. */
const address = z.string().transform((text, context) => {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text);
  const host = parts?.[1] ?? parts?.[2] ?? '';
  const port = Number(parts?.[3]);
  if (host !== '' && host.length <= HOST_MAX && port >= 1 && URL.canParse(`http://${text}`)) {
    return { host, port };
  }
  context.addIssue({ code: 'custom', message: 'expected host:port, as in db.internal:5432 or [::1]:5432' });
  return z.NEVER;
});

/** https, or http on this machine. */
const issuerUrl = z
  .string()
  .max(ISSUER_MAX)
  .refine(isIssuerUrl, 'expected an https URL (http only for an issuer on 127.0.0.1, ::1 or localhost)');

const identitySchema = z
  .strictObject({
    issuer: issuerUrl,
    audience: z.string().min(1),
    groupsClaim: z.string().min(1).default('groups'),
    jwksUri: issuerUrl.optional(),
  })
  .readonly();

const tlsSchema = z.discriminatedUnion('mode', [
  z.strictObject({
    mode: z.literal('verify-full'),
    caFile: z.string().min(1).optional(),
    serverName: z.string().min(1).optional(),
  }),
  z.strictObject({ mode: z.literal('disable') }),
]);

const targetSchema = z
  .strictObject({
    protocol: z.literal('postgres'),
    address,
    database: z.string().min(1),
    credential: z.strictObject({ user: z.string().min(1), passwordFile: z.string().min(1) }),
    tls: tlsSchema.default({ mode: 'verify-full' }),
    recording: z
      .strictObject({
        durability: z.enum(durabilityModes).default('windowed'),
        windowMs: z.int().min(100).max(10_000).default(250),
        deadlineMs: z.int().min(1_000).max(60_000).default(5_000),
      })
      .default({ durability: 'windowed', windowMs: 250, deadlineMs: 5_000 }),
  })
  .refine(({ tls, address }) => tls.mode !== 'disable' || isLoopback(address.host), {
    path: ['tls', 'mode'],
    message: 'TLS may be disabled only for a target on this machine (127.0.0.1, ::1, localhost)',
  });

const ruleSchema = z
  .strictObject({
    name,
    groups: z.array(z.string().min(1)).min(1),
    targets: z
      .array(z.string().regex(new RegExp(`^(?:\\*|${NAME})$`), `expected * or a target's name: ${NAME_RULE}`))
      .min(1),
    allow: z.array(z.enum(['connect', 'replay', 'export'])).min(1),
    /** Whose sessions `replay` and `export` reach. */
    sessions: z.enum(['own', 'any']).default('own'),
  })
  .readonly();

const fileSchema = z
  .strictObject({
    version: z.literal(1),
    identity: identitySchema,
    targets: z.record(name, targetSchema),
    rules: z.array(ruleSchema).default([]),
  })
  .superRefine(({ targets, rules }, context) => {
    for (const [i, rule] of rules.entries()) {
      const first = rules.findIndex((other) => other.name === rule.name);
      if (first < i) {
        const message = `rule ${first} has the name "${rule.name}" already: evidence tells rules apart by name`;
        context.addIssue({ code: 'custom', path: ['rules', i, 'name'], message });
      }
      const unknown = rule.targets.findIndex((target) => target !== '*' && !Object.hasOwn(targets, target));
      if (unknown < 0) continue;
      const path = ['rules', i, 'targets', unknown];
      context.addIssue({ code: 'custom', path, message: `no target is named "${rule.targets[unknown]}"` });
    }
  });

function isIssuerUrl(text: string): boolean {
  if (!/^[!-~]+$/.test(text) || !URL.canParse(text)) return false;
  const { protocol, hostname } = new URL(text);
  return protocol === 'https:' || (protocol === 'http:' && isLoopback(hostname.replace(/^\[|\]$/g, '')));
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Reads custody.yaml. Throws `config-invalid` that names file, line, column, path and what was expected. */
export function parseConfig(text: string, fileName: string): Config {
  const file = readYaml(text, fileName);
  const parsed = fileSchema.safeParse(file.value, { error: wording });
  if (!parsed.success) throw firstMistake(parsed.error.issues, file);
  const { identity, targets, rules } = parsed.data;
  const named = Object.entries(targets).map(([name, target]) => [name, { ...target, name }] as const);
  return {
    version: createHash('sha256').update(text).digest('hex'),
    identity,
    targets: new Map(named),
    rules,
  };
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
    case 'invalid_union':
      return file.mistake(path, 'expected verify-full or disable', 'value');
    default:
      return file.mistake(path, issue.message, 'value');
  }
}
