import type { ComponentChildren } from 'preact';
import { useLocation } from 'preact-iso';
import { personText } from '../parts/person.tsx';
import { useSignIn, useWho } from '../signin/context.ts';
import { PAGES, type Page } from './pages.ts';

/** Around every page: where one is, where one can go, who one is. */
export function Shell({ children }: { readonly children: ComponentChildren }) {
  const { path } = useLocation();
  return (
    <div class="shell">
      <a class="skip" href="#main">
        To the content
      </a>
      <header class="top">
        <a class="brand" href="/">
          Custody
        </a>
        <Account />
      </header>
      <nav class="nav" aria-label="Pages">
        {PAGES.map((page) => page.nav !== undefined && <NavLink key={page.path} page={page} path={path} />)}
      </nav>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}

function NavLink({ page: { path: to, nav }, path }: { readonly page: Page; readonly path: string }) {
  const isHere = path === to || path.startsWith(`${to}/`);
  return (
    <a href={to} aria-current={isHere ? 'page' : undefined}>
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d={nav!.icon} />
      </svg>
      {nav!.word}
    </a>
  );
}

function Account() {
  const signIn = useSignIn();
  return (
    <div class="account">
      <span class="person">{personText(useWho())}</span>
      <button type="button" class="quiet" onClick={() => void signIn.end()}>
        Sign out
      </button>
    </div>
  );
}
