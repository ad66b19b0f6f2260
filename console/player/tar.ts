/** Files as a tar archive (POSIX ustar), which every system unpacks. */
const BLOCK = 512;
const NAME_MAX = 100;

/** Names that do not fit are left out, and told: no name of evidence is so long. */
export function tarOf(
  folder: string,
  files: Iterable<readonly [name: string, content: Blob]>,
): { tar: Blob; leftOut: string[] } {
  const parts: (Blob | Uint8Array<ArrayBuffer>)[] = [];
  const leftOut: string[] = [];
  for (const [name, content] of files) {
    const path = new TextEncoder().encode(`${folder}/${name}`);
    if (path.length >= NAME_MAX || /[/\\\0]/.test(name) || name === '..' || name === '.') {
      leftOut.push(name);
      continue;
    }
    parts.push(
      headerOf(path, content.size),
      content,
      new Uint8Array((BLOCK - (content.size % BLOCK)) % BLOCK),
    );
  }
  parts.push(new Uint8Array(2 * BLOCK));
  return { tar: new Blob(parts, { type: 'application/x-tar' }), leftOut };
}

function headerOf(path: Uint8Array, size: number): Uint8Array<ArrayBuffer> {
  const header = new Uint8Array(BLOCK);
  const put = (at: number, text: string): void => header.set(new TextEncoder().encode(text), at);
  header.set(path, 0);
  put(100, '0000644\0');
  put(108, '0000000\0');
  put(116, '0000000\0');
  put(124, `${size.toString(8).padStart(11, '0')}\0`);
  put(136, '00000000000\0');
  put(148, '        ');
  put(156, '0');
  put(257, 'ustar\0');
  put(263, '00');
  const sum = header.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, '0')}\0 `);
  return header;
}
