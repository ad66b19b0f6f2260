/** Text of others (security case 18): it is shown as text nodes, and what would change how text around it reads is made visible. */
import { escapeLines, escapeTerminal } from '#core/replay/text.ts';

/** One line. */
export function shown(text: string): string {
  return escapeTerminal(text);
}

/** With a capital at its start. */
export function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

/** Lines as they are. */
export function shownLines(text: string): string {
  return escapeLines(text);
}
