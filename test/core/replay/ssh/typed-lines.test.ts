/** Lines typed in a terminal: what was entered by what the screen showed. */
import { describe, expect, it } from 'vitest';
import { ask, ptyRequest, session, stepsOf } from './support.ts';

/** `>` is typed, `<` is printed. */
async function commandsOf(said: readonly string[], columns = 80) {
  const peers = session();
  peers.run(ptyRequest(columns, 24));
  peers.run(ask('shell').done());
  for (const line of said) {
    if (line.startsWith('>')) peers.type(line.slice(1));
    else peers.print(line.slice(1));
  }
  peers.close(0);
  return (await stepsOf(peers.tape.frames)).filter(({ kind }) => kind === 'command');
}

const textsOf = async (said: readonly string[], columns?: number) =>
  (await commandsOf(said, columns)).map(({ command }) => command?.text);

describe('a line that was entered', () => {
  it('is what stood behind the prompt when Enter was echoed, and marked as a conclusion', async () => {
    const [step] = await commandsOf(['<$ ', '>l', '<l', '>s', '<s', '>\r', '<\r\nfile\r\n$ ']);
    expect(step).toMatchObject({
      command: { text: 'ls' },
      prompt: { text: '$ ' },
      heuristic: true,
      foundBy: 'screen',
      channel: 1,
    });
  });

  it('is not a password that no screen showed', async () => {
    expect(
      await textsOf(['<$ ', '>su\r', '<su\r\nPassword: ', '>hunter2\r', '<\r\n# ', '>id\r', '<id\r\n# ']),
    ).toEqual(['su', 'id']);
  });

  it('is as it was edited: backspace, history, completion with a list', async () => {
    expect(await textsOf(['<$ ', '>lx', '<lx', '>\x7f', '<\b\x1b[K', '>s\r', '<s\r\n$ '])).toEqual(['ls']);
    expect(await textsOf(['<$ ', '>\x1b[A', '<make all', '>\r', '<\r\n'])).toEqual(['make all']);
    expect(await textsOf(['<$ ', '>ca', '<ca', '>\t\t', '<\r\ncal  cat\r\n$ ca', '>t\r', '<t\r\n'])).toEqual([
      'cat',
    ]);
  });

  it('that was searched for is what was found', async () => {
    const search = "<\r(reverse-i-search)`': ";
    const found = "<\r\x1b[K(reverse-i-search)`ma': make";
    expect(await textsOf(['<$ ', '>\x12', search, '>ma', found, '>\r', '<\r\x1b[K$ make\r\n'])).toEqual([
      'make',
    ]);
  });

  it('is found behind commands to the screen that are to be done thousands of millions of times', async () => {
    const often = ['S', 'T', 'L', 'M', 'I', 'Z', 'b'].map((final) => `x\x1b[2147483647${final}`).join('');
    expect(await textsOf([`<${often}\x1b[2J\x1b[H$ `, '>ls\r', '<ls\r\n'])).toEqual(['ls']);
  });

  it('that was given up is none', async () => {
    expect(await textsOf(['<$ ', '>rm -rf', '<rm -rf', '>\x03', '<^C\r\n$ ', '>ls\r', '<ls\r\n'])).toEqual([
      'ls',
    ]);
  });

  it('within a full-screen program is none', async () => {
    expect(
      await textsOf([
        '<$ ',
        '>vi\r',
        '<vi\r\n\x1b[?1049h~',
        '>:q\r',
        '<:q\r\n\x1b[?1049l$ ',
        '>id\r',
        '<id\r\n',
      ]),
    ).toEqual(['vi', 'id']);
  });

  it('that was pasted goes on over its line ends', async () => {
    const pasted = '>\x1b[200~echo a\necho b\x1b[201~';
    expect(await textsOf(['<$ ', pasted, '<echo a\r\necho b', '>\r', '<\r\n'])).toEqual(['echo a\necho b']);
  });

  it('that is longer than the screen is wide is one line', async () => {
    const long = `echo ${'x'.repeat(60)}`;
    expect(await textsOf(['<$ ', `>${long}`, `<${long}`, '>\r', '<\r\n'], 20)).toEqual([long]);
  });

  it('by a terminal itself, as an answer to a question, is none', async () => {
    expect(await textsOf(['<\x1b[6n', '>\x1b[1;1R', '<$ ', '>id\r', '<id\r\n'])).toEqual(['id']);
  });

  it('is by the marks of a shell that has them, with its exit status', async () => {
    const prompt = '<\x1b]133;A\x07$ \x1b]133;B\x07';
    const steps = await commandsOf([
      prompt,
      '>false\r',
      '<false\r\n\x1b]133;C\x07',
      '<\x1b]133;D;1\x07',
      prompt,
    ]);
    expect(steps).toMatchObject([{ command: { text: 'false' }, foundBy: 'marks', exitStatus: 1 }]);
    const told = await commandsOf([
      prompt,
      '>x\r',
      '<x\r\n\x1b]633;E;echo a\\x3bb\x07\x1b]633;C\x07\x1b]633;D;0\x07',
    ]);
    expect(told).toMatchObject([{ command: { text: 'echo a;b' }, exitStatus: 0 }]);
  });
});
