/** Keys by themselves: what the page that is open takes, and the list of them that `?` shows. */
import { type ReadonlySignal, signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext, useEffect, useRef } from 'preact/hooks';

export interface Key {
  /** As `KeyboardEvent.key` has it, or two of them one after the other: `g r`. */
  readonly key: string;
  /** In the help: `Next in the list`. */
  readonly does: string;
  /** Not called while somebody types, nor while a dialog is open. */
  readonly run: () => void;
}

/** After the first of two keys, the second is waited for so long, milliseconds. */
const PAUSE_MS = 1_500;

/** All that is taken at the moment; what was added last comes first. */
export class Keyboard {
  readonly #sets = signal<readonly (readonly Key[])[]>([]);
  #first: { readonly key: string; readonly at: number } | undefined;

  get sets(): ReadonlySignal<readonly (readonly Key[])[]> {
    return this.#sets;
  }

  /** Until what it returns is called. */
  add(keys: readonly Key[]): () => void {
    this.#sets.value = [keys, ...this.#sets.peek()];
    return () => {
      this.#sets.value = this.#sets.peek().filter((set) => set !== keys);
    };
  }

  press(event: KeyboardEvent): void {
    if (isMeantOtherwise(event)) return;
    const keys = this.#sets.peek().flat();
    const first = this.#takeFirst(event.timeStamp);
    // A second key that goes with no first counts by itself.
    const wanted = first === undefined ? [event.key] : [`${first} ${event.key}`, event.key];
    const found = wanted.flatMap((name) => keys.find(({ key }) => key === name) ?? [])[0];
    if (found !== undefined) {
      event.preventDefault();
      found.run();
    } else if (keys.some(({ key }) => key.startsWith(`${event.key} `))) {
      this.#first = { key: event.key, at: event.timeStamp };
    }
  }

  #takeFirst(now: number): string | undefined {
    const first = this.#first;
    this.#first = undefined;
    return first === undefined || now - first.at > PAUSE_MS ? undefined : first.key;
  }
}

const TYPED_INTO = 'input, textarea, select, [contenteditable], dialog, [data-own-keys]';

/** Typing, a shortcut of the browser's, or a key of what has the focus: `data-own-keys`, such as a terminal. */
function isMeantOtherwise({ ctrlKey, metaKey, altKey, defaultPrevented, target }: KeyboardEvent): boolean {
  if (ctrlKey || metaKey || altKey || defaultPrevented) return true;
  if (document.querySelector('dialog[open]') !== null) return true;
  return target instanceof Element && target.closest(TYPED_INTO) !== null;
}

export const KeyboardContext = createContext<Keyboard | undefined>(undefined);

export function useKeyboard(): Keyboard {
  return useContext(KeyboardContext)!;
}

/** Takes keys while this is drawn. Which they are stays; what they do may change each time. */
export function useKeys(keys: readonly Key[]): void {
  const keyboard = useKeyboard();
  const now = useRef(keys);
  now.current = keys;
  useEffect(
    () => keyboard.add(keys.map(({ key, does }, at) => ({ key, does, run: () => now.current[at]!.run() }))),
    [keyboard],
  );
}
