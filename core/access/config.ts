import { createHash } from 'node:crypto';
import { LineCounter, parseDocument } from 'yaml';
import { z } from 'zod';
import { CustodyError } from '../errors.ts';

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

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const name = z.string().regex(NAME, 'expected lower-case letters, digits and hyphens, at most 63');

/** host:port, with an IPv6 address in brackets. */
const address = z.string().transform((text, context) => {
  const parts = /^(?:\[([0-9a-fA-F:.]+)\]|([A-Za-z0-9.-]+)):(\d{1,5})$/.exec(text);
  const port = Number(parts?.[3]);
  if (parts !== null && port >= 1 && port <= 65_535) return { host: (parts[1] ?? parts[2])!, port };
  context.addIssue({ code: 'custom', message: 'expected host:port' });
  return z.NEVER;
});

const identitySchema = z
  .strictObject({
    issuer: z.url({ protocol: /^https?$/ }),
    audience: z.string().min(1),
    groupsClaim: z.string().min(1).default('groups'),
    jwksUri: z.url({ protocol: /^https?$/ }).optional(),
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
        windowMs: z.int().min(100).max(10_000).default(250),
        deadlineMs: z.int().min(1_000).max(60_000).default(5_000),
      })
      .default({ windowMs: 250, deadlineMs: 5_000 }),
  })
  .refine(({ tls, address }) => tls.mode !== 'disable' || isLoopback(address.host), {
    path: ['tls', 'mode'],
    message: 'TLS may be disabled only for a target on this machine (127.0.0.1, ::1, localhost)',
  });

const ruleSchema = z
  .strictObject({
    name,
    groups: z.array(z.string().min(1)).min(1),
    targets: z.array(z.union([z.literal('*'), name])).min(1),
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
      const unknown = rule.targets.findIndex((target) => target !== '*' && !Object.hasOwn(targets, target));
      if (unknown < 0) continue;
      const path = ['rules', i, 'targets', unknown];
      context.addIssue({ code: 'custom', path, message: `no target is named "${rule.targets[unknown]}"` });
    }
  });

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host);
}

/** Reads custody.yaml. Throws `config-invalid` that names file, line, column, path and what was expected. */
export function parseConfig(text: string, fileName: string): Config {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: true, maxAliasCount: 0 } as object);
  const [syntax] = document.errors;
  if (syntax !== undefined) throw invalid(fileName, lines, syntax.pos[0], '', syntax.message.split('\n')[0]!);
  const parsed = fileSchema.safeParse(document.toJS({ maxAliasCount: 0 }));
  if (!parsed.success) {
    const { path, message } = parsed.error.issues[0]!;
    throw invalid(fileName, lines, offsetOf(document, path), path.join('.'), message);
  }
  const { identity, targets, rules } = parsed.data;
  const named = Object.entries(targets).map(([name, target]) => [name, { ...target, name }] as const);
  return {
    version: createHash('sha256').update(text).digest('hex'),
    identity,
    targets: new Map(named),
    rules,
  };
}

/** Where the value at `path` stands, or the nearest thing around it that is there. */
function offsetOf(document: ReturnType<typeof parseDocument>, path: readonly PropertyKey[]): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const node = document.getIn(path.slice(0, length), true) as
      | { range?: [number, number, number] }
      | undefined;
    if (node?.range) return node.range[0];
  }
  return 0;
}

function invalid(file: string, lines: LineCounter, offset: number, path: string, what: string): CustodyError {
  const { line, col } = lines.linePos(offset);
  const where = path === '' ? '' : `${path}: `;
  return new CustodyError('config-invalid', `${file}:${line}:${col}: ${where}${what}`, {
    hint: 'correct the file and start again',
  });
}
