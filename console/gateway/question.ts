/** What somebody asks: it is in the address, so that an answer can be sent to somebody. */
export const ACTIONS = [
  'connect',
  'request',
  'approve',
  'replay',
  'export',
  'terminate',
  'rerun',
  'administer',
] as const;

/** All that the address may say of a question, by the API's own names. */
const NAMES = [
  'action',
  'target',
  'login',
  'as',
  'groups',
  'issuer',
  'network',
  'at',
  'mfa',
  'device',
  'task',
  'actor',
  'session',
] as const;

type Name = (typeof NAMES)[number];
export type Asked = Readonly<Partial<Record<Name, string>>>;

/** What the address asks; undefined where it asks nothing yet: an action needs its target. */
export function askedIn(query: Readonly<Record<string, string>>): Asked | undefined {
  const asked = Object.fromEntries(
    NAMES.flatMap((name) => {
      const value = query[name]?.trim() ?? '';
      return value === '' ? [] : [[name, value]];
    }),
  ) as Asked;
  const isWhole = asked.action !== undefined && (asked.action === 'administer' || asked.target !== undefined);
  return isWhole ? asked : undefined;
}

/** What a form says, for the address: every name, so that nothing of the question before stays. */
export function changeOf(form: FormData): Readonly<Record<string, string | undefined>> {
  const isForAll = form.get('action') === 'administer';
  return Object.fromEntries(
    NAMES.map((name) => {
      const given = form.get(name);
      const value = typeof given === 'string' ? given.trim() : '';
      const isLeftOut = value === '' || (isForAll && (name === 'target' || name === 'login'));
      return [name, isLeftOut ? undefined : name === 'at' ? new Date(value).toISOString() : value];
    }),
  );
}

/** The form's value of a time of the address: `2026-11-29T21:04` in the viewer's zone. */
export function localTime(at: string | undefined): string {
  const time = new Date(at ?? '');
  if (Number.isNaN(time.getTime())) return '';
  const zoned = new Date(time.getTime() - time.getTimezoneOffset() * 60_000);
  return zoned.toISOString().slice(0, 16);
}
