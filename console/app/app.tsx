import { LocationProvider } from 'preact-iso';
import { Loading } from '../parts/states.tsx';
import { SignInContext } from '../signin/context.ts';
import type { SignIn } from '../signin/session.ts';
import { SignInPage } from '../signin/sign-in-page.tsx';
import { Contexts } from './contexts.tsx';
import { Routes } from './routes.tsx';

/** The console: signed in or not, and the page of the address. */
export function App({ signIn }: { readonly signIn: SignIn }) {
  return (
    <SignInContext.Provider value={signIn}>
      <Entrance signIn={signIn} />
    </SignInContext.Provider>
  );
}

/** The address is looked at once it is known whether the browser came back with a code, which it must not keep. */
function Entrance({ signIn }: { readonly signIn: SignIn }) {
  const state = signIn.state.value;
  switch (state.is) {
    case 'starting':
      return <Loading what="the console" />;
    case 'out':
      return (
        <LocationProvider>
          <SignInPage issuers={state.issuers} problem={state.problem} />
        </LocationProvider>
      );
    case 'in':
      return (
        <LocationProvider>
          <Contexts>
            <Routes />
          </Contexts>
        </LocationProvider>
      );
  }
}
