import type { ComponentChildren } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { Keyboard, KeyboardContext } from '../parts/keys.ts';
import { ToastList, Toasts, ToastsContext } from '../parts/toast.tsx';

/** What parts of every page reach: the keyboard, and short messages. */
export function Contexts({ children }: { readonly children: ComponentChildren }) {
  const keyboard = useMemo(() => new Keyboard(), []);
  const toasts = useMemo(() => new Toasts(), []);
  useEffect(() => {
    const press = (event: KeyboardEvent): void => keyboard.press(event);
    window.addEventListener('keydown', press);
    return () => window.removeEventListener('keydown', press);
  }, [keyboard]);
  return (
    <KeyboardContext.Provider value={keyboard}>
      <ToastsContext.Provider value={toasts}>
        {children}
        <ToastList />
      </ToastsContext.Provider>
    </KeyboardContext.Provider>
  );
}
