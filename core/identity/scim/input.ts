/** Reads what directories send: names of attributes in any case (RFC 7643 section 2.1), everything bounded. */
import { isJsonObject } from '../../json.ts';
import { scimRefusal } from './refusal.ts';

export const TEXT_MAX = 256;

export type Given = Readonly<Record<string, unknown>>;

/** An object's members by their names in lower case, without the core schema's name. Throws `invalidSyntax`. */
export function membersOf(value: unknown, what: string): Given {
  if (!isJsonObject(value)) throw scimRefusal('invalidSyntax', `${what} is no object`);
  const members = Object.entries(value).map(([name, member]) => [name.toLowerCase(), member] as const);
  const names = new Set(members.map(([name]) => name));
  if (names.size < members.length)
    throw scimRefusal('invalidSyntax', `${what} has an attribute twice, in different spellings`);
  return Object.fromEntries(members);
}

/** A resource or message of this schema. Throws `invalidSyntax`. */
export function messageOf(body: unknown, schema: string): Given {
  const members = membersOf(body, 'the body');
  const { schemas } = members;
  if (Array.isArray(schemas) && schemas.some((one) => isSame(one, schema))) return members;
  throw scimRefusal('invalidSyntax', `the body does not name its schema ${schema}`);
}

/** One line of text; undefined for nothing. Throws `invalidValue`. */
export function textOf(value: unknown, attribute: string): string | undefined {
  if (value === undefined || value === null || value === '') return undefined;
  if (typeof value !== 'string') throw scimRefusal('invalidValue', `${attribute} is no text`);
  if (value.length > TEXT_MAX)
    throw scimRefusal('invalidValue', `${attribute} is longer than ${TEXT_MAX} characters`);
  if (/\p{Cc}|\p{Cs}/u.test(value))
    throw scimRefusal('invalidValue', `${attribute} has characters that nobody can see`);
  return value;
}

/** A text that has to be there. */
export function requiredText(value: unknown, attribute: string): string {
  const text = textOf(value, attribute);
  if (text === undefined) throw scimRefusal('invalidValue', `${attribute} is missing`);
  return text;
}

/** Entra writes "True" and "False". Throws `invalidValue`: what is not understood makes nobody active. */
export function truthOf(value: unknown, attribute: string): boolean {
  if (typeof value === 'boolean') return value;
  const written = typeof value === 'string' ? value.toLowerCase() : '';
  if (written === 'true' || written === 'false') return written === 'true';
  throw scimRefusal('invalidValue', `${attribute} is neither true nor false`);
}

/** Several values: a list, or one that stands for a list of it. */
export function listOf(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}

function isSame(given: unknown, schema: string): boolean {
  return typeof given === 'string' && given.toLowerCase() === schema.toLowerCase();
}
