import type { Shown } from '../../step.ts';
import type { ShownReport, Step } from '../step.ts';

/** Characters of all values of one step: as much as an answer of the API keeps of its rows. */
const ALL_MAX = 256 << 10;

/** Texts of values, without NULL, and with what follows them; in order, until there are too many. */
export function boundedTexts(values: readonly (Shown | null)[], more: readonly string[] = []): string[] {
  const texts: string[] = [];
  let room = ALL_MAX;
  const take = (text: string): void => {
    room -= text.length + 1;
    if (room >= 0) texts.push(text);
  };
  for (const value of values) if (value !== null) take(value.text);
  for (const text of more) take(text);
  return texts;
}

/** What was said besides rows, as it was. */
export function messagesOf({ error, notices = [], note, text, login, notification, copy }: Step): string[] {
  const reports = [error, ...notices].flatMap((one) => (one === undefined ? [] : reportTexts(one)));
  if (note !== undefined) reports.push(JSON.stringify(note));
  if (text !== undefined) reports.push(text);
  if (login !== undefined) reports.push(login.user, login.database, login.application ?? '');
  if (notification !== undefined) reports.push(notification.channel, notification.payload.text);
  if (copy !== undefined) reports.push(copy.sample.text);
  return reports.filter((one) => one !== '');
}

function reportTexts({ message, detail = '', hint = '', where = '' }: ShownReport): string[] {
  return [message, detail, hint, where];
}
