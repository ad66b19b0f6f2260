import type { ComponentChildren, RefObject } from 'preact';
import { useState } from 'preact/hooks';
import { Account } from './account.tsx';
import { KeysHelp } from './keys-help.tsx';
import { Nav } from './nav.tsx';
import { Offline } from './offline.tsx';
import { Palette } from './palette.tsx';
import { useShellKeys } from './shell-keys.ts';

interface ShellProps {
  readonly main: RefObject<HTMLElement | null>;
  readonly children: ComponentChildren;
}

/** Around every page: where one is, where one can go, who one is. */
export function Shell({ main, children }: ShellProps) {
  const [open, setOpen] = useState<'help' | 'palette'>();
  const close = (): void => setOpen(undefined);
  useShellKeys({ onHelp: () => setOpen('help'), onPalette: () => setOpen('palette') });
  return (
    <div class="shell">
      <a class="skip" href="#main">
        To the content
      </a>
      <header class="top">
        <a class="brand" href="/">
          Custody
        </a>
        <GoTo onOpen={() => setOpen('palette')} />
        <Account onKeys={() => setOpen('help')} />
      </header>
      <Nav />
      <main id="main" ref={main} tabIndex={-1}>
        <Offline />
        {children}
      </main>
      {open === 'help' && <KeysHelp onClose={close} />}
      {open === 'palette' && <Palette onClose={close} />}
    </div>
  );
}

function GoTo({ onOpen }: { readonly onOpen: () => void }) {
  return (
    <button type="button" class="go-to" aria-haspopup="dialog" onClick={onOpen}>
      <svg viewBox="0 0 24 24" aria-hidden="true">
        <path d="M10.5 4a6.5 6.5 0 1 1 0 13 6.5 6.5 0 0 1 0-13M15.5 15.5L20 20" />
      </svg>
      <span>Go to…</span>
      <kbd>Ctrl K</kbd>
    </button>
  );
}
