/** Targets as somebody chooses among them. */
import type { Terms } from '../api/requests.ts';
import type { Target } from '../api/types.ts';

export interface AccessWord {
  readonly word: string;
  readonly tone: 'good' | 'warn' | 'accent' | 'plain';
}

export function accessWord({ access, sandbox }: Target): AccessWord {
  switch (access) {
    case 'standing':
      return { word: sandbox === undefined ? 'open to you' : 'sandbox', tone: 'good' };
    case 'granted':
      return { word: 'granted', tone: 'good' };
    case 'requestable':
      return { word: 'ask', tone: 'accent' };
    case 'task':
      return { word: 'as a task', tone: 'plain' };
  }
}

const ORDER: readonly Target['access'][] = ['requestable', 'granted', 'task', 'standing'];

/** Whose name has all of the words, those to ask for first. */
export function found(targets: readonly Target[], words: string): readonly Target[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return targets
    .filter(({ name, protocol }) =>
      wanted.every((word) => `${name} ${protocol}`.toLowerCase().includes(word)),
    )
    .toSorted(
      (one, other) =>
        ORDER.indexOf(one.access) - ORDER.indexOf(other.access) || (one.name < other.name ? -1 : 1),
    );
}

/** What the rules for asking are: by reviewers first, a broken glass last. */
export function waysToAsk({ ask }: Target): readonly Terms[] {
  return ask.toSorted((one, other) => Number(one.breakGlass) - Number(other.breakGlass));
}
