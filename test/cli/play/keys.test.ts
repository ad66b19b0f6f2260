import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyReader } from '#cli/play/keys.ts';

const read = (...pieces: string[]) => {
  const reader = new KeyReader();
  return pieces.flatMap((piece) => reader.read(Buffer.from(piece, 'latin1')));
};

describe('keys', () => {
  it('are what they are called', () => {
    expect(read(' ', 'n', 'E', 'w', '+', 'r', 'q')).toEqual([
      { kind: 'toggle' },
      { kind: 'jump', direction: 'next', stop: 'step' },
      { kind: 'jump', direction: 'previous', stop: 'error' },
      { kind: 'jump', direction: 'next', stop: 'write' },
      { kind: 'faster' },
      { kind: 'rows' },
      { kind: 'quit' },
    ]);
  });

  it('are also arrows, in both modes of a terminal, and several at once', () => {
    expect(read('\x1b[C\x1bOD\x1b[1;5C')).toEqual([
      { kind: 'jump', direction: 'next', stop: 'step' },
      { kind: 'jump', direction: 'previous', stop: 'step' },
      { kind: 'jump', direction: 'next', stop: 'step' },
    ]);
  });

  it('a place is typed until Enter, mended with backspace, and forgotten with Escape', () => {
    expect(read('g', '1', 'x', '9\x7f2', '\r')).toEqual([{ kind: 'go', place: '12' }]);
    expect(read('g1:0', '2.5\n')).toEqual([{ kind: 'go', place: '1:02.5' }]);
    expect(read('g1', '\x1b', 'n')).toEqual([{ kind: 'jump', direction: 'next', stop: 'step' }]);
    expect(read('g1', '\x03')).toEqual([{ kind: 'quit' }]);
  });

  it('of any kind are taken without harm', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 8 })), (pieces) => {
        const reader = new KeyReader();
        for (const piece of pieces) reader.read(piece);
        expect((reader.typing ?? '').length).toBeLessThanOrEqual(20);
      }),
    );
  });
});
