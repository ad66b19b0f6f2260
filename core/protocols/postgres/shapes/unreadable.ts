/** Why no shape can be made of a text. */
export class Unreadable extends Error {
  override readonly name = 'Unreadable';
  /** For people; it completes "the command …". */
  readonly why: string;
  /** The parser's own words, which may have parts of the text. */
  readonly detail: string | undefined;

  constructor(why: string, detail?: string) {
    super(why);
    this.why = why;
    this.detail = detail;
  }
}

export function unreadable(why: string, detail?: string): Unreadable {
  return new Unreadable(why, detail);
}

export function isUnreadable(value: unknown): value is Unreadable {
  return value instanceof Unreadable;
}
