import { z } from 'zod';

const REASON_MAX = 1000;
const TICKET_MAX = 100;
/** Control characters but line feeds and tabs, and what turns the direction of writing or hides: nobody should read another text. */
const UNSEEN =
  '\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f\\u061c\\u200b\\u200e\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff';

/** Words that somebody gives with what they do, however they come: bounded, and nothing in them that cannot be seen. */
export const words = z
  .string()
  .max(REASON_MAX)
  .regex(new RegExp(`^[^${UNSEEN}]*$`), 'words are expected, without control characters')
  .regex(/\S/, 'words are expected')
  .refine((given) => given.isWellFormed(), 'words are expected, in Unicode')
  .transform((given) => given.trim());

export const ticket = words.pipe(z.string().max(TICKET_MAX));

/** Why somebody wants access. */
export const askWords = z.object({ reason: words.optional(), ticket: ticket.optional() });
