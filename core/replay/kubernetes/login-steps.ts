import type { Forwarded } from '#core/protocols/kubernetes/tape.ts';
import type { KubernetesStep } from './step.ts';
import type { Note, TapeEvent } from './tape.ts';

/** As whom the cluster sees the session: a step when it is first told, and whenever that changes. */
export class LoginSteps {
  #known = '';
  #note: Note | undefined;

  /** The gateway's own account of the login stands with the step of it. */
  note({ note, call }: Extract<TapeEvent, { kind: 'note' }>, at: number): KubernetesStep[] {
    if (note.note === 'kubernetes-login' && this.#note === undefined && this.#known === '') {
      this.#note = note;
      return [];
    }
    return [{ kind: 'note', at, took: 0, note, ...(call !== undefined && { channel: call }) }];
  }

  forwarded({ user, groups }: Forwarded, at: number): KubernetesStep[] {
    const key = JSON.stringify([user, groups]);
    if (key === this.#known) return [];
    this.#known = key;
    const note = this.#note;
    this.#note = undefined;
    return [{ kind: 'login', at, took: 0, login: { user, groups }, ...(note && { note }) }];
  }
}
