/** Nothing is seen of these: controls, formats, blanks, what Unicode lets be ignored, and letters that are empty. */
const UNSEEN = /[\p{C}\p{Z}\p{Default_Ignorable_Code_Point}\u2800\u{16fe4}\s]/gu;
/** A dot over a letter that has one is not seen, and capitals of one language are small letters of another's (ı and I, İ and i). */
const DOTTED = /[ij]\u0307/gu;
const UNLIKE = /[ıİ]|[iIjJ]\u0307/u;
/** RFC 5321 section 4.1.2 and RFC 6531 section 3.3, unquoted; the brackets are those of GitHub's bots. */
const LOCAL = /^[\p{L}\p{M}\p{N}!#$%&'*+/=?^_`{|}~.[\]-]{1,64}$/u;
const DOMAIN = /^[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*$/;
/** What would make another part of a URL of it. */
const NO_DOMAIN = /[/:?#@%\\[\]]|^$/;
/** Each turn maps a text to one that is nearer to its form; two are enough for all of Unicode 16. */
const TURNS_MAX = 8;

/**
 * The one form of all spellings that people read as one address: compatibility forms, letter case, the two forms of an
 * international domain (RFC 5890), a dot at its end, quotes that say nothing, and whatever cannot be seen. Never throws: what is no
 * address has a form as well. `dana+x@` and `d.ana@` are other mailboxes than `dana@`, and so are letters of other scripts that
 * look alike.
 */
export function canonicalEmail(written: string): string {
  let form = written;
  for (let turn = 0; turn < TURNS_MAX; turn += 1) {
    const next = mapped(form);
    if (next === form) break;
    form = next;
  }
  return form;
}

/**
 * The canonical form of an address that everybody reads alike; blanks around it do not count. Undefined for every other: for one
 * with characters that cannot be seen, and for what is no address.
 */
export function plainEmail(written: string): string | undefined {
  const trimmed = written.trim();
  const isSeen = [trimmed, trimmed.normalize('NFKC')].every((form) => form.replaceAll(UNSEEN, '') === form);
  const form = canonicalEmail(trimmed);
  const at = form.lastIndexOf('@');
  const isAddress = LOCAL.test(form.slice(0, Math.max(at, 0))) && DOMAIN.test(form.slice(at + 1));
  const isAlike = !trimmed.includes('"') && !UNLIKE.test(trimmed.normalize('NFKC'));
  return isSeen && isAddress && isAlike ? form : undefined;
}

function mapped(text: string): string {
  const seen = folded(text.normalize('NFKC')).normalize('NFKC').replaceAll(UNSEEN, '');
  const form = seen.replaceAll(DOTTED, ([letter]) => letter!);
  const at = form.lastIndexOf('@');
  return at < 0 ? form : `${unquoted(form.slice(0, at))}@${asciiDomain(form.slice(at + 1))}`;
}

/** Domains ignore case (RFC 5321 section 2.4), and mailboxes do in practice. Letter by letter: a sigma at the end is a sigma. */
function folded(text: string): string {
  return Array.from(text, foldedLetter).join('');
}

function foldedLetter(letter: string): string {
  const upper = letter.toUpperCase();
  // Where capitals are several letters (ß), the letter stays what it is.
  return (Array.from(upper).length === 1 ? upper : letter).toLowerCase();
}

function unquoted(local: string): string {
  const [, inner] = /^"(.*)"$/s.exec(local) ?? [];
  return inner === undefined ? local : inner.replaceAll(/\\(.)/gs, '$1');
}

function asciiDomain(domain: string): string {
  const bare = domain.replace(/\.$/, '');
  const url = `http://${bare}`;
  return NO_DOMAIN.test(bare) || !URL.canParse(url) ? bare : new URL(url).hostname;
}
