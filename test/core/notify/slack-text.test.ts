import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { asCode } from '#core/notify/slack-text.ts';

/** What Slack shows of it. */
function shown(code: string): string {
  return code.slice(1, -1).replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}

describe('asCode', () => {
  it.each([
    ['mentions', '<!channel> <!here> <@U024BE7LH> <!subteam^S012>', '`&lt;!channel&gt; &lt;!here&gt; '],
    ['links', '<https://evil.example|the runbook>', '`&lt;https://evil.example|the runbook&gt;`'],
    ['escapes that are there already', '&lt;!channel&gt;', '`&amp;lt;!channel&amp;gt;`'],
    ['an end of the code', '`*bold*` ```x```', "`'*bold*' '''x'''`"],
    ['more lines', 'fine\n*Approved by:* everybody\r\n> quote', '`fine *Approved by:* everybody &gt; quote`'],
    ['other line ends', 'a\u2028b\u2029c\u0085d\u000be', '`a b c d e`'],
    ['control characters', 'a\u0000b\u001b[31mc\u007f', '`a b [31mc`'],
    ['text that turns around', 'a\u202eb\u2066c', '`a b c`'],
    ['what nobody sees', 'a\u200bb\ufeffc\u{e0041}d', '`a b c d`'],
    ['half of a character', 'a\ud83dz', '`a\ufffdz`'],
    ['nothing', '', '`(empty)`'],
    ['nothing to see', '\u200b \n\u202e', '`(empty)`'],
    [
      'an ordinary text',
      'order 4711: SELECT * FROM items_2 -- ü 🔑',
      '`order 4711: SELECT * FROM items_2 -- ü 🔑`',
    ],
  ])('makes text of %s (security case 19)', (_what, given, expected) => {
    expect(asCode(given, 200).startsWith(expected)).toBe(true);
  });

  it('breaks names that other programs know without brackets, and no e-mail address', () => {
    expect(asCode('@channel (@here) @@all x_@dana', 99)).toBe(
      '`@\u2060channel (@\u2060here) @\u2060@\u2060all x_@\u2060dana`',
    );
    expect(asCode('dana@example.com', 99)).toBe('`dana@example.com`');
  });

  it('is no longer than it may be, and cut between characters', () => {
    expect(asCode('abcdef', 8)).toBe('`abcdef`');
    expect(asCode('abcdefg', 8)).toBe('`abcde…`');
    expect(asCode('abc&&', 9)).toBe('`abc…`');
    expect(asCode('abc&', 10)).toBe('`abc&amp;`');
    expect(asCode('🔑🔑🔑', 7)).toBe('`🔑🔑…`');
  });

  it('holds nothing but text, whatever is given', () => {
    const parts = fc.constantFrom(
      '<',
      '>',
      '&',
      '`',
      '@',
      '!',
      'a',
      '\n',
      '\u202e',
      '\ud83d',
      '🔑',
      '*',
      ' ',
    );
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(parts).map((chosen) => chosen.join('')),
    );
    fc.assert(
      fc.property(texts, fc.integer({ min: 12, max: 60 }), (text, max) => {
        const code = asCode(text, max);
        expect(code.length).toBeLessThanOrEqual(max);
        expect(code).toMatch(/^`[^`<>]+`$/u);
        expect(code.replaceAll(/&(?:amp|lt|gt);/g, '')).not.toContain('&');
        expect(code.replaceAll('@\u2060', '')).not.toMatch(
          /(?<![\p{L}\p{N}])@(?!…`$)|[\p{Cc}\p{Zl}\p{Zp}\p{Cs}]/u,
        );
      }),
      { numRuns: 500 },
    );
  });

  it('shows plain text as it is', () => {
    const plain = fc.stringMatching(/^[a-z<>&*_~.:/-]([a-z<>&*_~.:/ -]*[a-z<>&*_~.:/-])?$/);
    const single = plain.filter((text) => !text.includes('  '));
    fc.assert(
      fc.property(single, (text) => {
        expect(shown(asCode(text, 10_000))).toBe(text);
      }),
    );
  });
});
