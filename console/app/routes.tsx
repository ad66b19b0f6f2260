import { useEffect, useRef } from 'preact/hooks';
import { Route, Router, useLocation } from 'preact-iso';
import { arrive } from './arrival.ts';
import { Home } from './home.tsx';
import { titleOf } from './matching.ts';
import { NotFound } from './not-found.tsx';
import { PageBoundary } from './page-boundary.tsx';
import { PAGES } from './pages.ts';
import { useScrollMemory } from './scrolled.ts';
import { Shell } from './shell.tsx';

/** The page of the address, within the shell. */
export function Routes() {
  const main = useRef<HTMLElement>(null);
  const arriving = useRef<() => void>(undefined);
  const { url } = useLocation();
  useScrollMemory();
  useEffect(() => () => arriving.current?.(), []);
  const named = (at: string): void => {
    document.title = titleOf(at);
  };
  const changed = (at: string): void => {
    named(at);
    arriving.current?.();
    arriving.current = arrive(main.current!);
  };
  return (
    <Shell main={main}>
      <PageBoundary url={url}>
        <Router onRouteChange={changed} onLoadEnd={named}>
          <Route path="/" component={Home} />
          {PAGES.map(({ path, component }) => (
            <Route key={path} path={path} component={component} />
          ))}
          <Route default component={NotFound} />
        </Router>
      </PageBoundary>
    </Shell>
  );
}
