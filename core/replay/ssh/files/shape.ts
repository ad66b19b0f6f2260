/** file-step.ts as JSON. */
import { z } from 'zod';
import { count, shown } from '../../shape-parts.ts';

export const file = z.object({
  by: z.enum(['sftp', 'scp', 'rsync']),
  operation: z.string().meta({ example: 'write' }),
  path: shown,
  newPath: shown.optional(),
  direction: z.enum(['upload', 'download']).optional(),
  size: z.number().optional().meta({ description: 'in bytes, as it was told' }),
  transferred: z.number().optional().meta({ description: 'bytes' }),
  sha256: z.string().optional().meta({ description: 'of the content that was transferred' }),
  whole: z.boolean().optional().meta({ description: 'the transfer covers the file as a whole' }),
  mode: count.optional().meta({ description: 'permission bits' }),
  error: shown.optional().meta({ description: 'what the target said' }),
});

export const git = z.object({
  operation: z.enum(['fetch', 'push', 'archive']),
  repository: shown,
  refs: z
    .array(
      z.object({
        name: shown,
        from: z.string().optional(),
        to: z.string().optional(),
        status: shown.optional(),
      }),
    )
    .readonly(),
});
