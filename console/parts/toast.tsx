/** Short messages of what was done: they are read out, and go by themselves. */
import { signal } from '@preact/signals';
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import { shown } from './text.ts';

interface Message {
  readonly id: number;
  readonly text: string;
}

const FOR_MS = 8_000;

export class Toasts {
  readonly messages = signal<readonly Message[]>([]);
  #count = 0;

  say(text: string): void {
    this.#count += 1;
    const message = { id: this.#count, text };
    this.messages.value = [...this.messages.peek(), message];
    setTimeout(() => this.drop(message.id), FOR_MS);
  }

  drop(id: number): void {
    this.messages.value = this.messages.peek().filter((message) => message.id !== id);
  }
}

export const ToastsContext = createContext<Toasts | undefined>(undefined);

/** `say('The request is approved')`; what went wrong stays on the page instead (Failure). */
export function useToast(): (text: string) => void {
  const toasts = useContext(ToastsContext)!;
  return (text) => toasts.say(text);
}

export function ToastList() {
  const toasts = useContext(ToastsContext)!;
  return (
    <div class="toasts" role="status" aria-live="polite">
      {toasts.messages.value.map(({ id, text }) => (
        <p key={id} class="toast">
          <span>{shown(text)}</span>
          <button type="button" class="quiet" onClick={() => toasts.drop(id)}>
            Dismiss
          </button>
        </p>
      ))}
    </div>
  );
}
