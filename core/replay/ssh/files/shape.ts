/** file-step.ts as JSON. */
import { z } from 'zod';
import { count, shown } from '../../shape-parts.ts';
import type { FileOperation } from './file-step.ts';

const OPERATIONS = [
  'read',
  'write',
  'sync',
  'list',
  'remove',
  'rmdir',
  'mkdir',
  'rename',
  'hardlink',
  'symlink',
  'setstat',
  'copy',
  'look',
  'unknown',
] as const satisfies readonly FileOperation[];

const range = z.object({ from: count, bytes: count, sha256: z.string() });

export const fileShape = z
  .object({
    by: z.enum(['sftp', 'scp', 'rsync']),
    operation: z.enum(OPERATIONS).meta({ description: 'look: what only looks, where it was denied' }),
    path: shown.meta({ description: "in the client's words; symbolic links may lead it elsewhere" }),
    resolved: shown.optional().meta({ description: 'where the target said that it leads' }),
    newPath: shown.optional(),
    name: shown
      .optional()
      .meta({ description: 'of scp: in path, if that is a directory; otherwise at path' }),
    direction: z.enum(['upload', 'download']).optional(),
    size: count.optional().meta({ description: 'as it was told; what was transferred may be less' }),
    transferred: count.optional().meta({ description: 'bytes; those that passed twice count twice' }),
    sha256: z
      .string()
      .optional()
      .meta({ description: 'of what was transferred, from the start without gaps' }),
    ranges: z.array(range).readonly().optional().meta({ description: 'in place of sha256' }),
    unlisted: count.optional().meta({ description: 'bytes that are in no range' }),
    overlapping: z.literal(true).optional(),
    whole: z.boolean().optional().meta({ description: 'the transfer covers the file as a whole' }),
    failed: count.optional().meta({ description: 'parts that the target would not write' }),
    mode: count.optional(),
    owner: z.object({ uid: count, gid: count }).optional(),
    modified: count.optional().meta({ description: 'seconds since 1970' }),
    entries: count.optional().meta({ description: 'of list' }),
    withheld: z.literal(true).optional().meta({
      description: "the content is not in the recording; digests are the gateway's word",
    }),
    error: shown.optional(),
    status: count.optional().meta({ description: 'of sftp: the code of what was answered in place of it' }),
  })
  .meta({ id: 'SshFile' });

const ref = z.object({
  name: shown.optional(),
  from: z.string().optional(),
  to: z.string().optional(),
  change: z.enum(['create', 'update', 'delete']).optional(),
  status: shown.optional().meta({ description: 'of push, what the target said of it: ok, or why not' }),
});

export const gitShape = z
  .object({
    operation: z.enum(['fetch', 'push', 'archive']),
    repository: shown,
    version: z.union([z.literal(0), z.literal(1), z.literal(2)]).optional(),
    advertised: count.optional().meta({ description: 'refs that the target told of' }),
    refs: z
      .array(ref)
      .readonly()
      .meta({ description: 'those that were wanted or updated, the first of them' }),
    changed: count.optional().meta({ description: 'all of them' }),
    shallow: z
      .array(z.string())
      .readonly()
      .optional()
      .meta({ example: ['deepen 1'] }),
    filter: shown.optional(),
    signed: z.literal(true).optional(),
    options: z.array(shown).readonly().optional(),
    pack: z.object({ bytes: count, objects: count.optional(), sha256: z.string().optional() }).optional(),
    error: shown.optional(),
  })
  .meta({ id: 'SshGit' });
