/** Control, format (direction marks, zero width) and line-separating characters: they hide or rearrange what is read. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\s]+/gu;
/** An @ that could begin a name. In an e-mail address it does not. */
const MENTION = /(?<![\p{L}\p{N}])@/gu;
const WORD_JOINER = '\u2060';

/** The three characters that Slack reads as markup (docs.slack.dev/messaging/formatting-message-text, "Escaping text"). */
const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/**
 * Text that somebody gave, as code in Slack's mrkdwn, on one line and at most `max` characters long. It stays text: it makes
 * no link, mentions nobody and formats nothing, also in programs that read Slack's messages by rules of their own.
 */
export function asCode(text: string, max: number): string {
  const plain = text
    .toWellFormed()
    .replace(UNSEEN, ' ')
    .replaceAll('`', "'")
    .replace(MENTION, `@${WORD_JOINER}`)
    .trim();
  return `\`${escapeWithin(plain === '' ? '(empty)' : plain, max - 2)}\``;
}

/** Cuts between characters, never inside of one or of an escape. */
function escapeWithin(text: string, max: number): string {
  const whole = text.replace(/[&<>]/g, (character) => ESCAPES[character]!);
  if (whole.length <= max) return whole;
  let cut = '';
  for (const character of text) {
    const longer = cut + (ESCAPES[character] ?? character);
    if (longer.length >= max) break;
    cut = longer;
  }
  return `${cut}…`;
}
