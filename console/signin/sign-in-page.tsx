import { useState } from 'preact/hooks';
import { useLocation } from 'preact-iso';
import type { Problem } from '../api/problem.ts';
import type { PersonIssuer } from '../api/types.ts';
import { Empty, Failure } from '../parts/states.tsx';
import { shown } from '../parts/text.ts';
import { useSignIn } from './context.ts';

interface SignInPageProps {
  readonly issuers: readonly PersonIssuer[];
  readonly problem: Problem | undefined;
}

/** Whoever is not signed in sees this, at whatever address: they come back to it. */
export function SignInPage({ issuers, problem }: SignInPageProps) {
  return (
    <main class="sign-in">
      <div class="sign-in-card">
        <h1>Custody</h1>
        <p class="motto">Access to production, recorded and proved.</p>
        {problem !== undefined && <Failure problem={problem} />}
        <Issuers issuers={issuers} hasProblem={problem !== undefined} />
      </div>
    </main>
  );
}

/** Where they signed in last stands first. */
function Issuers({ issuers, hasProblem }: { issuers: readonly PersonIssuer[]; hasProblem: boolean }) {
  const signIn = useSignIn();
  const { url } = useLocation();
  const [going, setGoing] = useState<string>();
  if (issuers.length === 0) return hasProblem ? <Reload /> : <Nobody />;
  const begin = async (issuer: PersonIssuer): Promise<void> => {
    setGoing(issuer.name);
    await signIn.begin(issuer, url);
    setGoing(undefined);
  };
  return (
    <ul class="issuers">
      {issuers.map((issuer, at) => (
        <li key={issuer.name}>
          <button
            type="button"
            class={at === 0 ? 'primary' : ''}
            disabled={going !== undefined}
            onClick={() => void begin(issuer)}
          >
            {going === issuer.name ? 'One moment…' : buttonText(issuer, issuers.length)}
          </button>
        </li>
      ))}
    </ul>
  );
}

function buttonText({ name, title }: PersonIssuer, many: number): string {
  return many > 1 || title !== undefined ? `Sign in with ${shown(title ?? name)}` : 'Sign in';
}

function Reload() {
  return (
    <button type="button" class="primary" onClick={() => location.reload()}>
      Try again
    </button>
  );
}

function Nobody() {
  return (
    <Empty title="Nobody can sign in here">
      <p>The gateway’s custody.yaml names no identity provider of people: docs/identity says how.</p>
    </Empty>
  );
}
