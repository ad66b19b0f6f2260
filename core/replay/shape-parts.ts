/** Pieces that the shapes of several protocols' steps share. */
import { z } from 'zod';

export const count = z.int().min(0);

export const undecoded = z.literal(true).optional().meta({
  description:
    "bytes that are no text in the session's encoding, or of which it is not known for certain, stand as \\xNN",
});

export const shown = z
  .object({
    text: z.string(),
    bytes: count,
    cut: z.boolean().meta({ description: 'text is not all of it' }),
    undecoded,
  })
  .meta({ id: 'Shown', description: 'a text or a value as it was on the wire; escape it before showing it' });

/** What steps of every protocol have. */
export const base = {
  at: z.number().meta({ description: "microseconds since the session's start" }),
  took: z.number().meta({ description: 'microseconds' }),
  note: z.record(z.string(), z.unknown()).optional(),
  text: z.string().optional(),
  redacted: z
    .literal(true)
    .optional()
    .meta({ description: "something is left out, by the target's `redact`: marks stand in its place" }),
} as const;
