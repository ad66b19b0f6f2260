/** Whom the cluster sees: what a rule's `as` makes of a principal (Kubernetes, "User impersonation"). */
import type { Authorization } from '#core/access/decide.ts';
import { CustodyError } from '#core/errors.ts';
import type { Principal } from '#core/identity/principal.ts';
import type { Forwarded, Headers } from './tape.ts';
import { filled, holesOf, REQUEST_KEY, SESSION_KEY } from './templates.ts';

/** By default everybody is somebody of their own, whom RBAC of the cluster gives nothing yet. */
const USER = 'custody:{email}';
const VALUE_MAX_BYTES = 1_024;
const GROUPS_MAX = 500;
const ALL_MAX_BYTES = 64 << 10;

export { REQUEST_KEY };

/** Of one session: the same for each of its calls, but for the number in `custody.request`. Throws `access-denied`. */
export function impersonationOf(permission: Authorization<'connect'>, session: string): Forwarded {
  const { principal, rule, terms } = permission;
  const { user = USER, groups = [], extra = {} } = terms.kubernetes?.as ?? {};
  const make = (template: string, what: string): string[] => madeOf(template, what, { principal, rule });
  const [name] = make(user, 'user');
  if (name === undefined) throw refused(rule, 'user', `${user} stands for nobody`);
  const made = [...new Set(groups.flatMap((group) => make(group, 'group')))];
  if (made.length > GROUPS_MAX)
    throw refused(rule, 'groups', `they would be in more than ${GROUPS_MAX} of them`);
  const more = Object.entries(extra).map(
    ([key, values]) => [key, values.flatMap((value) => make(value, `extra ${key}`))] as const,
  );
  const shown = {
    user: name,
    groups: made,
    extra: { ...Object.fromEntries(more), [SESSION_KEY]: [session] },
  };
  // One record of the tape has to hold it, with each request's head.
  if (Buffer.byteLength(JSON.stringify(shown)) > ALL_MAX_BYTES)
    throw refused(rule, 'all of it', `it would be more than ${ALL_MAX_BYTES} bytes`);
  return shown;
}

/** As the API server takes them: what is the same for each call of a session. */
export function sessionHeaders({ user, groups, extra }: Forwarded): Headers {
  return [
    ['Impersonate-User', fieldValue(user)],
    ...groups.map((group) => ['Impersonate-Group', fieldValue(group)] as const),
    ...Object.entries(extra)
      .filter(([key]) => key !== REQUEST_KEY)
      .flatMap(([key, values]) =>
        values.map((value) => [`Impersonate-Extra-${escapedKey(key)}`, fieldValue(value)] as const),
      ),
  ];
}

/** What names the call, by its number within the session: by it the API server's own audit log names our recording. */
export function requestHeader({ extra }: Forwarded, call: number): Headers[number] {
  const [session = ''] = extra[SESSION_KEY] ?? [];
  return [`Impersonate-Extra-${REQUEST_KEY}`, `${session}/${call}`];
}

/** A header's name is a token (RFC 9110 section 5.6.2); the API server takes percent escapes out of what follows its prefix. */
function escapedKey(key: string): string {
  return key.replaceAll(/[^A-Za-z0-9!#$&'*+.^_`|~-]/g, (character) =>
    Array.from(Buffer.from(character), (byte) => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`).join(
      '',
    ),
  );
}

/** Node writes a header's characters as bytes: these are the bytes of UTF-8, which is what the API server reads. */
function fieldValue(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1');
}

interface Of {
  readonly principal: Principal;
  readonly rule: string;
}

/** None where it stands for each of the groups of somebody in no group. */
function madeOf(template: string, what: string, { principal, rule }: Of): string[] {
  const missing = holesOf(template).find((hole) => hole !== 'groups' && principal[hole] === undefined);
  if (missing !== undefined)
    throw refused(rule, what, `${template} needs the person's ${WORDS[missing]}, and their token has none`);
  const made = filled(template, principal);
  for (const value of made) refuseUnsendable(value, what, rule);
  const isSystems =
    template.includes('{') && made.some((value) => value.trim().toLowerCase().startsWith('system:'));
  // Kubernetes keeps these names for itself; whoever names somebody at an issuer must not give out its rights.
  if (isSystems) throw refused(rule, what, `${template} would become one of the cluster's own (system:…)`);
  return made;
}

const WORDS = { email: 'verified e-mail address', subject: 'subject', issuer: 'issuer', groups: 'groups' };

/** RFC 9110 section 5.5: what would end a header, or vanish from it. */
function refuseUnsendable(value: string, what: string, rule: string): void {
  const isText = value.isWellFormed() && !/[\p{Cc}\u2028\u2029]/u.test(value) && value === value.trim();
  if (value !== '' && isText && Buffer.byteLength(value) <= VALUE_MAX_BYTES) return;
  throw refused(rule, what, 'what it stands for is empty, too long, or no text that a header can carry');
}

function refused(rule: string, what: string, why: string): CustodyError {
  return new CustodyError(
    'access-denied',
    `nobody can be shown to the cluster as the rule "${rule}" has it (${what}): ${why}`,
    {
      hint: "ask whoever keeps custody.yaml to change the rule's kubernetes.as",
    },
  );
}
