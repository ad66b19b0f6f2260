import { useLocation } from 'preact-iso';
import { PAGES, type Page } from './pages.ts';

/** Beside the page, or below it where one holds a phone. */
export function Nav() {
  const { path } = useLocation();
  return (
    <nav class="nav" aria-label="Pages">
      {PAGES.map((page) => page.nav !== undefined && <NavLink key={page.path} page={page} path={path} />)}
    </nav>
  );
}

function NavLink({ page: { path: to, nav }, path }: { readonly page: Page; readonly path: string }) {
  const isHere = path === to || path.startsWith(`${to}/`);
  return (
    <a href={to} aria-current={isHere ? 'page' : undefined}>
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d={nav!.icon} />
      </svg>
      <span>{nav!.word}</span>
    </a>
  );
}
