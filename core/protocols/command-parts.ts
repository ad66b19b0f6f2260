/** What a command of a contract is in each protocol: one key for each, of which a command has the one of its target's protocol. */
import { z } from 'zod';

/** Longer ones cost a parser too much, and nobody reviews them. */
export const COMMAND_MAX_BYTES = 16 << 10;

const written = z.string().min(1).max(COMMAND_MAX_BYTES);

export const commandParts = {
  statement: written.optional().describe('PostgreSQL: one statement, with $1, $2 … where a value is open'),
  argv: z
    .array(z.string().max(4096))
    .min(1)
    .max(200)
    .optional()
    .describe('SSH: the words of a command, with $1, $2 … for words that are open'),
  call: z
    .strictObject({
      verb: z.enum(['get', 'list', 'watch', 'create', 'update', 'patch', 'delete', 'deletecollection']),
      resource: z.string().min(1).max(400),
      namespace: z.string().max(253).default(''),
      name: z.string().max(253).optional(),
      query: z
        .record(z.string().min(1).max(100), z.string().max(4096))
        .optional()
        .describe('what of its query makes it another call, such as container of exec, or patch: apply'),
      command: z.array(z.string().max(4096)).min(1).max(200).optional(),
      body: z.json().optional(),
    })
    .optional()
    .describe(
      'Kubernetes: a call of the API, with $1, $2 … where a name, a word of a command or a field of the body is open',
    ),
};

/** The protocols whose commands contracts know; `protocols.ts` has the same names. */
export type CommandProtocol = 'postgres' | 'ssh' | 'kubernetes';

/** The key of each protocol. */
export const COMMAND_KEYS: Readonly<Record<CommandProtocol, keyof typeof commandParts>> = {
  postgres: 'statement',
  ssh: 'argv',
  kubernetes: 'call',
};
