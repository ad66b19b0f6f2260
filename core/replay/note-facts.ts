/** Notes of the gateway's in a recording, whatever the protocol. */

type Note = Readonly<Record<string, unknown>>;

/** Something was not let through, or left what it was allowed to do. */
const REFUSALS = /refused|deviation|login-failed/;

export function isErrorNote(note: Note | undefined): boolean {
  return note !== undefined && REFUSALS.test(String(note['note']));
}

/** `task-deviation` and its kind, `refused`: what one would look for. */
export function noteCodes(note: Note | undefined): readonly string[] {
  if (note === undefined) return [];
  return [note['note'], note['kind'], note['code']].filter((one) => typeof one === 'string');
}
