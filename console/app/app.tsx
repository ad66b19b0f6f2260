import { ErrorBoundary, LocationProvider, Route, Router } from 'preact-iso';
import { Loading } from '../parts/states.tsx';
import { SignInContext } from '../signin/context.ts';
import type { SignIn } from '../signin/session.ts';
import { SignInPage } from '../signin/sign-in-page.tsx';
import { Contexts } from './contexts.tsx';
import { Home } from './home.tsx';
import { NotFound } from './not-found.tsx';
import { PAGES } from './pages.ts';
import { Shell } from './shell.tsx';

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
            <Pages />
          </Contexts>
        </LocationProvider>
      );
  }
}

function Pages() {
  const named = (url: string): void => {
    const path = url.split('?')[0]!;
    const page = PAGES.find(
      ({ path: own }) => path === own || path.startsWith(`${own.replace(/\/:.*/, '')}/`),
    );
    document.title = page === undefined ? 'Custody' : `${page.title} · Custody`;
  };
  return (
    <Shell>
      <ErrorBoundary>
        <Router onRouteChange={named} onLoadEnd={named}>
          <Route path="/" component={Home} />
          {PAGES.map(({ path, component }) => (
            <Route key={path} path={path} component={component} />
          ))}
          <Route default component={NotFound} />
        </Router>
      </ErrorBoundary>
    </Shell>
  );
}
