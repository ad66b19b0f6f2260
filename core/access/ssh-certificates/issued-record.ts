/** A certificate that was issued, as stores keep it: one text. */
import { z } from 'zod';
import { CustodyError } from '../../errors.ts';
import { parseJson } from '../../json.ts';
import type { IssuedCertificate } from './book.ts';

const text = z.string();
const time = z.iso.datetime().transform((written) => new Date(written));
const account = z.object({ issuer: text, subject: text });

const recordSchema = z.object({
  serial: text,
  key: text,
  keyId: text,
  person: z.object({ ...account.shape, email: text.optional(), actors: z.array(account).optional() }),
  issuedAt: time,
  expiresAt: time,
  target: text.optional(),
  sourceAddress: text.optional(),
  forceCommand: text.optional(),
});

export function writeIssued(issued: IssuedCertificate): string {
  return JSON.stringify(issued);
}

/** Throws `state-damaged`. */
export function readIssued(record: string): IssuedCertificate {
  const read = recordSchema.safeParse(parseJson(record));
  if (read.success) return read.data as IssuedCertificate;
  throw new CustodyError('state-damaged', 'an entry of the list of SSH certificates cannot be read', {
    detail: read.error.message,
  });
}
