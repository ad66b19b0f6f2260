import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { buildConsole, type ConsoleBuild, type ConsolePart } from '../../../console/build/build.ts';
import { sizesOf, sumOf } from '../../../console/build/sizes.ts';

const KB = 1024;
const [built, again] = await Promise.all([buildConsole(), buildConsole()]);
const textOf = ({ files }: ConsoleBuild, path: string): string =>
  Buffer.from(files.find((file) => file.path === path)!.bytes).toString('utf8');

describe('the build of the console', () => {
  test('makes the same bytes each time', () => {
    const digests = ({ files }: ConsoleBuild) =>
      files.map(({ path, bytes }) => [path, createHash('sha256').update(bytes).digest('hex')]);
    expect(digests(built).length).toBeGreaterThan(10);
    expect(digests(again)).toEqual(digests(built));
  });

  test('ships what something loads, and nothing else', () => {
    const texts = built.files.map(({ bytes }) => Buffer.from(bytes).toString('utf8')).join();
    for (const { path } of built.files.slice(1)) expect(texts, path).toContain(path.slice('/assets/'.length));
  });

  test('names each file by what is in it, but for the page', () => {
    const [page, ...assets] = built.files;
    expect(page).toMatchObject({ path: '/index.html', isImmutable: false });
    for (const { path, isImmutable } of assets) {
      expect(isImmutable).toBe(true);
      expect(path).toMatch(/^\/assets\/[\w.-]+-[A-Z0-9]{8}\.\w+$/);
    }
  });

  test('ships no source map, and tells of none', () => {
    for (const { path, bytes } of built.files) {
      expect(path).not.toMatch(/\.map$/);
      expect(Buffer.from(bytes).includes('sourceMappingURL'), path).toBe(false);
    }
  });

  test('has nothing inline in its page: no script, no style, no handler', () => {
    const page = textOf(built, '/index.html');
    const scripts = [...page.matchAll(/<script([^>]*)>([^<]*)/g)];
    expect(scripts.length).toBeGreaterThan(0);
    for (const [, attributes, content] of scripts) {
      expect(attributes).toMatch(/ src="\/assets\/[^"]+\.js"/);
      expect(content).toBe('');
    }
    expect(page).not.toMatch(/<style|\sstyle=|\son\w+=|javascript:/i);
  });
});

describe('what people wait for', () => {
  const sizes = sizesOf(built);

  test('before the first page is under 60 KB of script, compressed', () => {
    expect(sumOf(sizes, 'start')).toBeGreaterThan(10 * KB);
    expect(sumOf(sizes, 'start')).toBeLessThan(60 * KB);
  });

  test('for all but terminal and verifier is under 200 KB of script, compressed', () => {
    expect(sumOf(sizes, 'start', 'page')).toBeLessThan(200 * KB);
  });

  test('in style is under 30 KB, compressed', () => {
    expect(sumOf(sizes, 'style')).toBeLessThan(30 * KB);
  });

  test('is counted for each script once, by how it is reached', () => {
    const part = (path: string, more: Partial<ConsolePart> = {}): ConsolePart => ({
      ...{ path, entry: undefined, now: [], later: [] },
      ...more,
    });
    const parts = [
      part('/main.js', { now: ['/shared.js'], later: ['/page.js'] }),
      part('/shared.js'),
      part('/page.js', {
        entry: 'console/proof/proof-page.tsx',
        now: ['/shared.js', '/verifier.js'],
        later: ['/verify.js', '/terminal.js', '/reader.js'],
      }),
      part('/verify.js', { entry: 'console/proof/verify.ts', now: ['/deep.js', '/shared.js'] }),
      part('/terminal.js', { entry: 'console/terminal/session-terminal.tsx' }),
      part('/reader.js', { entry: 'core/replay/readers.ts' }),
      part('/deep.js'),
      part('/verifier.js'),
    ];
    const files = parts.map(({ path }) => ({ path, type: '', bytes: new Uint8Array(), isImmutable: true }));
    const counted = sizesOf({ files, atStart: ['/main.js', '/shared.js'], parts, inputs: [] });
    expect(Object.fromEntries(counted.map(({ path, when }) => [path, when]))).toEqual({
      '/main.js': 'start',
      '/shared.js': 'start',
      '/page.js': 'page',
      '/verify.js': 'terminal or verifier',
      '/terminal.js': 'terminal or verifier',
      '/reader.js': 'terminal or verifier',
      '/deep.js': 'terminal or verifier',
      '/verifier.js': 'terminal or verifier',
    });
  });
});
