import { useLocation } from 'preact-iso';
import type { Problem } from '../api/problem.ts';
import type { PersonIssuer } from '../api/types.ts';
import { Failure } from '../parts/states.tsx';
import { useSignIn } from './context.ts';

interface SignInPageProps {
  readonly issuers: readonly PersonIssuer[];
  readonly problem: Problem | undefined;
}

/** Whoever is not signed in sees this, at whatever address: they come back to it. */
export function SignInPage({ issuers, problem }: SignInPageProps) {
  const signIn = useSignIn();
  const { url } = useLocation();
  return (
    <main class="sign-in">
      <h1>Custody</h1>
      <p>Access to production, recorded and proved.</p>
      {problem !== undefined && <Failure problem={problem} />}
      {issuers.map((issuer) => (
        <button
          key={issuer.name}
          type="button"
          class="primary"
          onClick={() => void signIn.begin(issuer, url)}
        >
          Sign in
          {issuers.length > 1 || issuer.title !== undefined ? ` with ${issuer.title ?? issuer.name}` : ''}
        </button>
      ))}
    </main>
  );
}
