/** The gateway's notes of files whose content is not in the recording. */
import { z } from 'zod';
import type { Shown } from '../../step.ts';
import type { SshStep } from '../step.ts';
import { digestPart, type Transfer } from './sftp-transfers.ts';
import { shownText } from './shown.ts';

const count = z.int().min(0);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const noteShape = z.object({
  note: z.literal('ssh-file'),
  direction: z.enum(['upload', 'download']),
  path: z.string(),
  resolved: z.string().optional(),
  bytes: count,
  sha256: sha256.optional(),
  ranges: z
    .array(z.object({ from: count, bytes: count, sha256 }))
    .max(64)
    .optional(),
  unlisted: count.optional(),
  overlapping: z.literal(true).optional(),
  unfinished: z.literal(true).optional(),
});

export interface FileNote extends z.infer<typeof noteShape> {
  isOf(path: Shown): boolean;
}

/** `undefined` for other notes, and for those that no gateway makes. */
export function fileNoteOf(note: Readonly<Record<string, unknown>>): FileNote | undefined {
  const { data } = noteShape.safeParse(note);
  if (data === undefined) return undefined;
  return { ...data, isOf: ({ text, cut }) => (cut ? data.path.startsWith(text) : data.path === text) };
}

/** The step of a transfer, with what the gateway told of it. */
export function fileNoteStep(step: SshStep, told: FileNote, transfer: Transfer): SshStep {
  if (step.file === undefined) return step;
  return {
    ...step,
    file: {
      ...step.file,
      ...(told.resolved === undefined ? {} : { resolved: shownText(told.resolved) }),
      transferred: told.bytes,
      ...digestPart(told),
      whole: !told.unfinished && transfer.isWhole(told.direction, told),
    },
  };
}
