/** Who is signed in, in this tab: tokens are in memory alone, and end with the page. */
import { type ReadonlySignal, signal } from '@preact/signals';
import { Api, getPublic } from '../api/client.ts';
import { asProblem, Problem } from '../api/problem.ts';
import type { Login, PersonIssuer, Whoami } from '../api/types.ts';
import {
  beginning,
  CALLBACK,
  discover,
  finished,
  type Known,
  type Pending,
  refreshed,
  type Tokens,
} from './oidc.ts';

export type SignInState =
  | { readonly is: 'starting' }
  | { readonly is: 'out'; readonly issuers: readonly PersonIssuer[]; readonly problem?: Problem }
  | { readonly is: 'in'; readonly who: Whoami };

const PENDING = 'custody-pending';
/** A token that is over so soon is not used any more, milliseconds. */
const MARGIN_MS = 30_000;

/** What this needs of the browser. */
export interface Tab {
  readonly location: Pick<Location, 'href' | 'origin' | 'assign'>;
  readonly history: Pick<History, 'replaceState'>;
  readonly sessionStorage: Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>;
}

export class SignIn {
  readonly #tab: Tab;
  readonly #now: () => number;
  readonly #state = signal<SignInState>({ is: 'starting' });
  #known: Known | undefined;
  #tokens: Tokens | undefined;
  #refreshing: Promise<string> | undefined;
  readonly api: Api;

  constructor(tab: Tab, now: () => number) {
    this.#tab = tab;
    this.#now = now;
    this.api = new Api(() => this.#token());
  }

  get state(): ReadonlySignal<SignInState> {
    return this.#state;
  }

  /** Takes up what the browser came back with from the identity provider; else asks where to sign in. */
  async start(): Promise<void> {
    const at = new URL(this.#tab.location.href);
    const pending = this.#takePending();
    if (at.pathname === CALLBACK) return this.#finish(at, pending);
    await this.#offer();
  }

  /** Sends the browser to the identity provider; it comes back to `back`, a path of the console. */
  async begin(issuer: PersonIssuer, back: string): Promise<void> {
    try {
      const { to, pending } = await beginning(await discover(issuer), this.#tab.location.origin, back);
      this.#tab.sessionStorage.setItem(PENDING, JSON.stringify(pending));
      this.#tab.location.assign(to.href);
    } catch (thrown) {
      await this.#offer(asProblem(thrown));
    }
  }

  /** Forgets the tokens. */
  async end(problem?: Problem): Promise<void> {
    this.#tokens = undefined;
    this.#known = undefined;
    await this.#offer(problem);
  }

  async #finish(at: URL, pending: Pending | undefined): Promise<void> {
    this.#tab.history.replaceState(null, '', pending?.back ?? '/');
    try {
      if (pending === undefined)
        throw new Problem('token-missing', 'this sign-in was not begun in this tab', {
          hint: 'sign in again',
        });
      const issuer = (await peopleIssuers()).find(({ name }) => name === pending.issuer);
      if (issuer === undefined) throw new Problem('token-missing', 'this issuer is not trusted any more');
      this.#known = await discover(issuer);
      this.#tokens = await finished(this.#known, pending, at);
      this.#state.value = { is: 'in', who: await this.api.get<Whoami>('/v1/whoami') };
    } catch (thrown) {
      await this.end(asProblem(thrown));
    }
  }

  async #offer(problem?: Problem): Promise<void> {
    const out = { is: 'out', ...(problem === undefined ? {} : { problem }) } as const;
    try {
      this.#state.value = { ...out, issuers: await peopleIssuers() };
    } catch (thrown) {
      this.#state.value = { ...out, issuers: [], problem: problem ?? asProblem(thrown) };
    }
  }

  #takePending(): Pending | undefined {
    const text = this.#tab.sessionStorage.getItem(PENDING);
    this.#tab.sessionStorage.removeItem(PENDING);
    return text === null ? undefined : (JSON.parse(text) as Pending);
  }

  /** One that is good for a while yet; several calls at once refresh it once. */
  #token(): Promise<string> {
    const tokens = this.#tokens;
    if (tokens !== undefined && tokens.expiresAt - MARGIN_MS > this.#now())
      return Promise.resolve(tokens.token);
    this.#refreshing ??= this.#refresh(tokens).finally(() => {
      this.#refreshing = undefined;
    });
    return this.#refreshing;
  }

  async #refresh(tokens: Tokens | undefined): Promise<string> {
    try {
      if (tokens?.refresh === undefined || this.#known === undefined) throw over();
      this.#tokens = await refreshed(this.#known, tokens.refresh);
      return this.#tokens.token;
    } catch {
      await this.end(over());
      throw over();
    }
  }
}

function over(): Problem {
  return new Problem('token-invalid', 'your sign-in is over', { status: 401, hint: 'sign in again' });
}

async function peopleIssuers(): Promise<readonly PersonIssuer[]> {
  const { issuers } = await getPublic<Login>('/v1/login');
  return issuers.filter((issuer): issuer is PersonIssuer => issuer.kind === 'person');
}
