import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CustodyError } from '#core/errors.ts';
import { jsonLog } from '#proxy/log.ts';

/** What is written, at a time that stands still. */
function logged(...given: Parameters<ReturnType<typeof jsonLog>>): string {
  let line = '';
  const log = jsonLog(
    (written) => (line = written),
    () => new Date(0),
  );
  log(...given);
  return line;
}

const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}\u202a-\u202e\u2066-\u2069\u0080-\u009f]/u;

describe('the log', () => {
  it.each<[string, string]>([
    ['C1 control sequence introducer', '\u009b31m'],
    ['escape', '\u001b[2J'],
    ['right-to-left override', 'a\u202eb'],
    ['isolates', '\u2066a\u2069'],
    ['line separators', 'a\u2028b\u2029'],
    ['delete', '\u007f'],
    ['zero width', 'da\u200bna\ufeff'],
    ['tags', '\u{e0041}'],
    ['half a character', '\ud800'],
  ])('shows %s as an escape, in every place that a client has (security case 18)', (_, text) => {
    const error = new CustodyError('access-denied', `no ${text}`, { detail: text });
    const line = logged('refused', error, { target: text, client: text });
    expect(line).not.toMatch(UNSEEN);
    expect(JSON.parse(line)).toMatchObject({ target: text, message: `no ${text}`, detail: text });
  });

  it('is one line of JSON that says the same, whatever a client sends', () => {
    const unseen = fc.constantFrom(
      '\u009b',
      '\u202e',
      '\u2066',
      '\u2028',
      '\u007f',
      '\u200b',
      '\ufeff',
      '\n',
      '\u{e0041}',
    );
    const unit = fc.oneof(unseen, fc.string({ unit: 'binary', maxLength: 1 }), fc.string({ maxLength: 1 }));
    fc.assert(
      fc.property(fc.string({ unit }), fc.string({ unit: 'grapheme' }), (target, user) => {
        const line = logged('refused', undefined, { target, user });
        expect(line).not.toMatch(UNSEEN);
        expect(JSON.parse(line)).toMatchObject({ target, user });
      }),
    );
  });

  it('says how bad it is: a refusal is the work of a gateway, not a fault of it', () => {
    const error = new CustodyError('internal', 'words');
    const levels = [
      logged('peer-left'),
      logged('refused', error),
      logged('peer-refused', error),
      logged('seal-failed', error),
    ].map((line) => (JSON.parse(line) as { level: string }).level);
    expect(levels).toEqual(['info', 'warn', 'warn', 'error']);
  });
});
