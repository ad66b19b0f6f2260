const PRINTABLE_MAX = 120;

/** Text from outside for use in a message: cut, and with everything but printable ASCII as an escape (security case 18). */
export function printable(text: string, max = PRINTABLE_MAX): string {
  const cut = text.length > max ? `${text.slice(0, max)}...` : text;
  return cut.replace(/[^\x20-\x7e]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`);
}
