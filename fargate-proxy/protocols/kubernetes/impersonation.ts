/** Whom the cluster is told that a person is (https://kubernetes.io/docs/reference/access-authn-authz/authentication/#user-impersonation). */
import type { Authorization } from '#core/access/decide.ts';
import { CustodyError } from '#core/errors.ts';
import type { Principal } from '#core/identity/principal.ts';
import type { KubernetesRule } from '#core/protocols/kubernetes/schema.ts';
import type { Forwarded } from '#core/protocols/kubernetes/tape.ts';

/** By which the cluster's audit log and the recording name each other. */
const SESSION = 'custody.session';
const REQUEST = 'custody.request';

/** The same for all calls of a session, but for the number of each. */
export class Impersonation {
  readonly #said: Forwarded;
  readonly #session: string;
  readonly #headers: readonly string[];

  /** Throws `access-denied` where the rule gives no name. */
  constructor({ principal, terms }: Authorization<'connect'>, session: string) {
    this.#session = session;
    this.#said = saidOf(principal, terms.kubernetes?.as);
    this.#headers = [
      ...['impersonate-user', encoded(this.#said.user)],
      ...this.#said.groups.flatMap((group) => ['impersonate-group', encoded(group)]),
      ...Object.entries(this.#said.extra).flatMap(([key, values]) =>
        values.flatMap((value) => [extraHeader(key), encoded(value)]),
      ),
      ...[extraHeader(SESSION), session],
    ];
  }

  /** What the call goes on with: names and values, one after the other. */
  headersOf(call: number): string[] {
    return [...this.#headers, extraHeader(REQUEST), this.#requestOf(call)];
  }

  /** For the tape. */
  forwarded(call: number): Forwarded {
    const { user, groups, extra } = this.#said;
    return {
      user,
      groups,
      extra: { ...extra, [SESSION]: [this.#session], [REQUEST]: [this.#requestOf(call)] },
    };
  }

  #requestOf(call: number): string {
    return `${this.#session}/${call}`;
  }
}

function saidOf(principal: Principal, as: KubernetesRule['as']): Forwarded {
  const user = as?.user === undefined ? `custody:${ownName(principal)}` : filled(as.user, principal);
  const groups = (as?.groups ?? []).flatMap((group) =>
    group.includes('{groups}')
      ? principal.groups.map((own) =>
          filled(
            group.replaceAll('{groups}', () => own),
            principal,
          ),
        )
      : [filled(group, principal)],
  );
  const extra = Object.fromEntries(
    Object.entries(as?.extra ?? {}).map(([key, values]) => [
      key,
      values.map((value) => filled(value, principal)),
    ]),
  );
  return { user, groups: [...new Set(groups)], extra };
}

/** A subject may look like somebody's address: where the issuer vouches for none, the name is one that no address is. */
function ownName({ email, issuer, subject }: Principal): string {
  return email ?? `${issuer}#${subject}`;
}

function filled(text: string, { email, subject, issuer }: Principal): string {
  return text.replace(/\{(email|subject|issuer)\}/g, (_, name: string) => {
    if (name === 'subject') return subject;
    if (name === 'issuer') return issuer;
    if (email === undefined) throw noEmail();
    return email;
  });
}

/** A key as a header can carry it: what no field name may have is percent-encoded. */
function extraHeader(key: string): string {
  return `impersonate-extra-${key.replace(/[^a-z0-9._-]/g, (one) => encodeURIComponent(one))}`;
}

/** UTF-8, as Go reads it; a line's end in it would begin another header. */
function encoded(value: string): string {
  if (hasControl(value)) throw unnameable();
  return Buffer.from(value, 'utf8').toString('latin1');
}

function hasControl(value: string): boolean {
  return /\p{Cc}/u.test(value);
}

function noEmail(): CustodyError {
  return new CustodyError(
    'access-denied',
    'the rule names people at the cluster by their address, and your token has none',
    {
      hint: 'tell whoever writes the rules: {subject} names everybody',
    },
  );
}

function unnameable(): CustodyError {
  return new CustodyError(
    'access-denied',
    'your name, or a group of yours, has characters that a cluster cannot be told',
  );
}
