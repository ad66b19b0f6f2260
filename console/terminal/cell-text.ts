import { escapeTerminal } from '#core/replay/text.ts';

/** Pictures of which a selector says how they look, or that are one with the next: nothing about the text around them. */
const PICTURE = /^(\p{Extended_Pictographic}\p{Emoji_Modifier}?[\ufe0e\ufe0f]?)\u200d?$/u;
const MARK_ALONE = /^\p{M}/u;

interface CellText {
  readonly text: string;
  /** False where it holds what cannot be seen: it stands as an escape. */
  readonly isWhole: boolean;
}

/** What a cell shows (security case 18): nothing in it turns, hides or joins what stands beside. */
export function cellText(characters: string): CellText {
  if (characters === '') return { text: ' ', isWhole: true };
  if (characters.length === 1 && characters >= ' ' && characters <= '~')
    return { text: characters, isWhole: true };
  const picture = PICTURE.exec(characters)?.[1];
  if (picture !== undefined) return { text: picture, isWhole: true };
  const text = escapeTerminal(characters);
  return { text: MARK_ALONE.test(text) ? `\u25cc${text}` : text, isWhole: text === characters };
}
