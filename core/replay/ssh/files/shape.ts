/** file-step.ts as JSON. */
import { z } from 'zod';
import { shown } from '../../shape-parts.ts';

export const fileShape = z.object({
  by: z.enum(['sftp', 'scp', 'rsync']),
  operation: z.string(),
  path: shown,
});
export const gitShape = z.object({ operation: z.enum(['fetch', 'push', 'archive']), repository: shown });
