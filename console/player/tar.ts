/** Files as a tar archive (POSIX ustar), which every system unpacks. */
import { CustodyError } from '#core/errors.ts';

const BLOCK = 512;
const NAME_MAX = 100;

/** Throws `format-invalid` for a name that would lead out of its folder, or does not fit: nothing is left out in silence. */
export function tarOf(folder: string, files: Iterable<readonly [name: string, content: Blob]>): Blob {
  const parts = [...files].flatMap(([name, content]) => [
    headerOf(pathOf(folder, name), content.size),
    content,
    new Uint8Array((BLOCK - (content.size % BLOCK)) % BLOCK),
  ]);
  return new Blob([...parts, new Uint8Array(2 * BLOCK)], { type: 'application/x-tar' });
}

function pathOf(folder: string, name: string): Uint8Array {
  const path = new TextEncoder().encode(`${folder}/${name}`);
  if (path.length < NAME_MAX && name !== '' && name !== '.' && name !== '..' && !/[/\\\0]/.test(name))
    return path;
  throw new CustodyError('format-invalid', `${name.slice(0, NAME_MAX)} is not a name of an evidence file`, {
    hint: 'nothing was saved',
  });
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
