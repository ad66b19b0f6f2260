/**
 * True when the text as a whole fits the pattern: `*` stands for any run of characters but `/` and `:`, `**` for any at all, every
 * other character for itself. Takes no longer than the product of both lengths, whatever they are.
 */
export function fits(pattern: string, text: string): boolean {
  let reached = new Set([0]);
  for (const piece of pattern.match(/\*\*|\*|[^*]+/g) ?? []) {
    reached = piece.startsWith('*') ? spread(reached, text, piece === '**') : step(reached, text, piece);
    if (reached.size === 0) return false;
  }
  return reached.has(text.length);
}

/** True when some text that begins like this fits the pattern. */
export function leads(pattern: string, beginning: string): boolean {
  let reached = new Set([0]);
  for (const piece of pattern.match(/\*\*|\*|[^*]+/g) ?? []) {
    if (!piece.startsWith('*') && [...reached].some((at) => piece.startsWith(beginning.slice(at))))
      return true;
    reached = piece.startsWith('*')
      ? spread(reached, beginning, piece === '**')
      : step(reached, beginning, piece);
    if (reached.has(beginning.length)) return true;
  }
  return false;
}

function step(reached: ReadonlySet<number>, text: string, literal: string): Set<number> {
  const after = new Set<number>();
  for (const at of reached) if (text.startsWith(literal, at)) after.add(at + literal.length);
  return after;
}

/** Everywhere that a star leads to; each place is looked at once. */
function spread(reached: ReadonlySet<number>, text: string, crosses: boolean): Set<number> {
  const after = new Set<number>();
  let open = false;
  for (let at = 0; at <= text.length; at += 1) {
    open ||= reached.has(at);
    if (open) after.add(at);
    if (!crosses && (text[at] === '/' || text[at] === ':')) open = false;
  }
  return after;
}
