/** Who is signed in, in this tab: tokens are in memory alone, and end with the page. */
import { type ReadonlySignal, signal } from '@preact/signals';
import { Api, getPublic } from '../api/client.ts';
import { asProblem, Problem } from '../api/problem.ts';
import type { Login, PersonIssuer, Whoami } from '../api/types.ts';
import { lastIssuerFirst, rememberIssuer } from './last-issuer.ts';
import { beginning, discover, finished, type Known, refreshed, revoked } from './oidc.ts';
import { CALLBACK, type Kept, keepPending, type Pending, pathWithin, takePending } from './pending.ts';
import { isRefused } from './problems.ts';
import type { Tokens } from './tokens.ts';

export type SignInState =
  | { readonly is: 'starting' }
  | { readonly is: 'out'; readonly issuers: readonly PersonIssuer[]; readonly problem?: Problem }
  | { readonly is: 'in'; readonly who: Whoami };

/** A token that is over so soon is not used any more, milliseconds. */
const MARGIN_MS = 30_000;

/** What this needs of the browser. */
export interface Tab {
  readonly location: { readonly href: string; readonly origin: string; assign(url: string): void };
  readonly history: { replaceState(data: null, unused: '', url: string): void };
  readonly sessionStorage: Kept;
  readonly localStorage: Kept;
}

interface Held {
  readonly known: Known;
  readonly tokens: Tokens;
}

export class SignIn {
  readonly #tab: Tab;
  readonly #now: () => number;
  readonly #state = signal<SignInState>({ is: 'starting' });
  #held: Held | undefined;
  #refreshing: Promise<string> | undefined;
  readonly api: Api;

  constructor(tab: Tab, now: () => number) {
    this.#tab = tab;
    this.#now = now;
    this.api = new Api(
      () => this.#token(),
      (token, problem) => this.#refused(token, problem),
    );
  }

  get state(): ReadonlySignal<SignInState> {
    return this.#state;
  }

  /** Takes up what the browser came back with from the identity provider; else asks where to sign in. */
  async start(): Promise<void> {
    const at = new URL(this.#tab.location.href);
    const pending = takePending(this.#tab.sessionStorage);
    if (at.pathname === CALLBACK) return this.#finish(at, pending);
    await this.#offer();
  }

  /** Sends the browser to the identity provider; it comes back to `back`, a path of the console. */
  async begin(issuer: PersonIssuer, back: string): Promise<void> {
    const { origin } = this.#tab.location;
    try {
      const { to, pending } = await beginning(await discover(issuer), origin, pathWithin(origin, back));
      keepPending(this.#tab.sessionStorage, pending);
      rememberIssuer(this.#tab.localStorage, issuer);
      this.#tab.location.assign(to.href);
    } catch (thrown) {
      await this.#offer(asProblem(thrown));
    }
  }

  /** Forgets the tokens, and has the identity provider forget them. */
  async end(problem?: Problem): Promise<void> {
    const held = this.#held;
    this.#held = undefined;
    const refresh = held?.tokens.refresh;
    await Promise.all([
      // Whether or not it hears of it, they are gone here.
      refresh === undefined ? undefined : revoked(held!.known, refresh).catch(() => undefined),
      this.#offer(problem),
    ]);
  }

  async #finish(at: URL, pending: Pending | undefined): Promise<void> {
    // Before anything else: the code is not to stay in the address, nor in what the browser remembers.
    const { origin } = this.#tab.location;
    this.#tab.history.replaceState(null, '', pathWithin(origin, pending?.back ?? '/'));
    try {
      if (pending === undefined)
        throw new Problem('token-missing', 'this sign-in was not begun in this tab', {
          hint: 'sign in again',
        });
      const known = await discover(await issuerNamed(pending.issuer));
      this.#held = { known, tokens: await finished(known, pending, at) };
      this.#state.value = { is: 'in', who: await this.api.get<Whoami>('/v1/whoami') };
    } catch (thrown) {
      await this.end(asProblem(thrown));
    }
  }

  async #offer(problem?: Problem): Promise<void> {
    const out = { is: 'out', ...(problem === undefined ? {} : { problem }) } as const;
    try {
      const issuers = lastIssuerFirst(this.#tab.localStorage, await peopleIssuers());
      this.#state.value = { ...out, issuers };
    } catch (thrown) {
      this.#state.value = { ...out, issuers: [], problem: problem ?? asProblem(thrown) };
    }
  }

  /** One that is good for a while yet; several calls at once refresh it once. */
  #token(): Promise<string> {
    const held = this.#held;
    if (held !== undefined && held.tokens.expiresAt - MARGIN_MS > this.#now())
      return Promise.resolve(held.tokens.token);
    this.#refreshing ??= this.#refresh(held).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refresh(held: Held | undefined): Promise<string> {
    const { known, tokens } = held ?? {};
    if (known === undefined || tokens?.refresh === undefined) return this.#over();
    const { refresh } = tokens;
    const anew = await refreshed(known, { ...tokens, refresh }).catch((thrown: unknown) => {
      if (isRefused(thrown)) return undefined;
      throw new Problem('issuer-unreachable', 'the identity provider cannot be asked for a new token', {
        hint: 'look at your network; the page tries again when you do',
      });
    });
    if (anew === undefined) return this.#over();
    if (this.#held !== held) return this.#tooLate(known, anew);
    this.#held = { known, tokens: anew };
    return anew.token;
  }

  /** Whoever signed out meanwhile stays so. */
  async #tooLate(known: Known, { refresh }: Tokens): Promise<never> {
    if (refresh !== undefined) await revoked(known, refresh).catch(() => undefined);
    return this.#over();
  }

  async #over(): Promise<never> {
    const problem = new Problem('token-invalid', 'your sign-in is over', {
      status: 401,
      hint: 'sign in again',
    });
    if (this.#held !== undefined) await this.end(problem);
    throw problem;
  }

  /** The gateway takes the token no more: somebody logged the person out, or they may do nothing any more. */
  async #refused(token: string, problem: Problem): Promise<void> {
    if (this.#held?.tokens.token === token) await this.end(problem);
  }
}

async function issuerNamed(name: string): Promise<PersonIssuer> {
  const issuer = (await peopleIssuers()).find((one) => one.name === name);
  if (issuer !== undefined) return issuer;
  throw new Problem('token-missing', 'the gateway does not take tokens of this identity provider any more');
}

async function peopleIssuers(): Promise<readonly PersonIssuer[]> {
  const { issuers } = await getPublic<Login>('/v1/login');
  return issuers.filter((issuer): issuer is PersonIssuer => issuer.kind === 'person');
}
