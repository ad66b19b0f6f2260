/** `npm run console:sizes`: what of the console people wait for, compressed. */
import { gzipSync } from 'node:zlib';
import { buildConsole, type ConsoleBuild, type ConsolePart, reachedFrom } from './build.ts';

export type When = 'start' | 'page' | 'terminal or verifier' | 'style';

export interface FileSize {
  readonly path: string;
  readonly when: When;
  readonly bytes: number;
  readonly compressed: number;
}

/**
 * Imported when somebody plays a recording, verifies one or has one read: the terminal, the verifier of core and its readers, with what
 * node has and a browser has not.
 */
const HEAVY = /^(?:console\/(?:terminal|player|platform|verifier)|core\/)|@xterm|libpg-query|zstddec/;
/** Of the proof everything but its pages, which are what uses the verifier. */
const OF_PROOF = /^console\/proof\/(?!.*-page\.tsx$)/;
const USES_VERIFIER = /^console\/proof\/.*-page\.tsx$/;

/** Of each script and style, the largest first. */
export function sizesOf({ files, atStart, parts }: ConsoleBuild): FileSize[] {
  const pages = reachedFrom([parts[0]!.path], parts, (part) => lightOf(part, parts));
  const whenOf = (path: string): When => {
    if (path.endsWith('.css')) return 'style';
    if (atStart.includes(path)) return 'start';
    return pages.has(path) ? 'page' : 'terminal or verifier';
  };
  const shown = files.filter(({ path }) => /\.(?:js|css)$/.test(path));
  const sizes = shown.map(({ path, bytes }) => ({
    path,
    when: whenOf(path),
    bytes: bytes.byteLength,
    compressed: gzipSync(bytes, { level: 9 }).byteLength,
  }));
  return sizes.sort((a, b) => b.compressed - a.compressed);
}

/** What comes with a part that is neither of the two: of a page of proof, the page alone. */
function lightOf({ entry = '', now, later }: ConsolePart, parts: readonly ConsolePart[]): readonly string[] {
  const light = later.filter((path) => {
    const { entry: wanted = '' } = parts.find((part) => part.path === path)!;
    return !HEAVY.test(wanted) && !OF_PROOF.test(wanted);
  });
  return USES_VERIFIER.test(entry) ? light : [...now, ...light];
}

/** Bytes, compressed, of what is loaded then. */
export function sumOf(sizes: readonly FileSize[], ...when: readonly When[]): number {
  const counted = sizes.filter((size) => when.includes(size.when));
  return counted.reduce((sum, { compressed }) => sum + compressed, 0);
}

if (import.meta.main) {
  const sizes = sizesOf(await buildConsole());
  const line = (name: string, when: string, ...bytes: readonly number[]): string =>
    `${name.padEnd(48)} ${when.padEnd(20)} ${bytes.map((one) => String(one).padStart(9)).join(' ')}\n`;
  const say = (text: string): void => void process.stdout.write(text);
  for (const { path, when, bytes, compressed } of sizes) say(line(path, when, bytes, compressed));
  say(line('before the first page, gzip', 'start', sumOf(sizes, 'start')));
  say(line('all but terminal and verifier, gzip', 'start, page', sumOf(sizes, 'start', 'page')));
  say(line('terminal and verifier, gzip', '', sumOf(sizes, 'terminal or verifier')));
  say(line('style, gzip', 'start', sumOf(sizes, 'style')));
}
