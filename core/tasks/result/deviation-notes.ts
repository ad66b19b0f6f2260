import { z } from 'zod';
import { type DeviationKind, deviationKinds } from '../deviation.ts';
import type { FoundDeviation } from './contract-reading.ts';
import type { ResultDeviation } from './result.ts';

const noteSchema = z.object({
  note: z.literal('task-deviation'),
  kind: z.enum(deviationKinds),
  command: z.string().optional(),
  expected: z.string(),
  seen: z.string(),
  how: z.enum(['recorded', 'stopped', 'approved', 'denied']),
  request: z.string().optional(),
});
type Note = z.infer<typeof noteSchema> & { readonly at: number };

/** What the path said of deviations, in its notes. */
export class DeviationNotes {
  readonly #notes: Note[] = [];
  readonly #max: number;
  /** Of notes that are more than `max`, or no such notes at all. */
  omitted = 0;

  constructor(max: number) {
    this.#max = max;
  }

  take(note: Readonly<Record<string, unknown>>, at: number): void {
    if (note['note'] !== 'task-deviation') return;
    const read = noteSchema.safeParse(note);
    if (read.success && this.#notes.length < this.#max) this.#notes.push({ ...read.data, at });
    else this.omitted += 1;
  }

  /** Deviations that were found with what became of each, and those that only a note tells of: what never went on, or was on time to the second. */
  merged(found: readonly FoundDeviation[]): readonly ResultDeviation[] {
    const open = new Map<string, Note[]>();
    for (const note of this.#notes) open.set(keyOf(note), [...(open.get(keyOf(note)) ?? []), note]);
    const told = found.map((deviation) => withNote(deviation, open.get(keyOf(deviation))?.shift()));
    const others = [...open.values()].flat().map((note) => withNote(note, note));
    return [...told, ...others].toSorted((one, other) => one.at - other.at);
  }
}

function keyOf({
  kind,
  command = '',
}: {
  readonly kind: DeviationKind;
  readonly command?: string | undefined;
}) {
  return `${kind}/${command}`;
}

/** Where no note tells of it, it was not noticed, or nobody was asked: it went on. */
function withNote(
  {
    kind,
    command,
    expected,
    seen,
    at,
  }: Omit<FoundDeviation, 'command'> & { readonly command?: string | undefined },
  note?: Note,
): ResultDeviation {
  const { how = 'recorded', request } = note ?? {};
  return {
    kind,
    ...(command !== undefined && { command }),
    expected,
    seen,
    at,
    how,
    ...(request !== undefined && { request }),
  };
}
