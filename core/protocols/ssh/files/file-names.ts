/** Paths as they stand in SFTP: bytes, separated by slashes. */
const SLASH = 0x2f;
const DOT = 0x2e;
const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** For people: bytes of a path that is not UTF-8 stand as `\xNN`. */
export function pathWords(path: Uint8Array): string {
  const text = pathText(path);
  if (text !== undefined) return text;
  const shown = (byte: number): string =>
    byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, '0')}`;
  return Array.from(path, shown).join('');
}

/** For decisions: `undefined` for what is empty, not UTF-8 or holds a NUL, and so may be read in two ways. */
export function pathText(path: Uint8Array): string | undefined {
  if (path.length === 0 || path.includes(0)) return undefined;
  try {
    return strict.decode(path);
  } catch {
    return undefined;
  }
}

/** Absolute, and without empty names, `.` and `..`. */
export function isPlainPath(path: string): boolean {
  if (!path.startsWith('/')) return false;
  if (path === '/') return true;
  return !path
    .slice(1)
    .split('/')
    .some((name) => name === '' || name === '.' || name === '..');
}

/** An absolute path without empty names, `.` and `..`: what it leads to where no symbolic link is on the way. */
export function plainPath(path: string): string | undefined {
  if (!path.startsWith('/')) return undefined;
  const names: string[] = [];
  for (const name of path.split('/')) {
    if (name === '..') names.pop();
    else if (name !== '' && name !== '.') names.push(name);
  }
  return `/${names.join('/')}`;
}

/** The directory that a path's last name stands in; `undefined` where the last name is none, such as `..`. */
export function splitPath(path: Uint8Array): { parent: Uint8Array; name: Uint8Array } | undefined {
  let end = path.length;
  while (end > 0 && path[end - 1] === SLASH) end -= 1;
  const slash = path.subarray(0, end).lastIndexOf(SLASH);
  const name = path.subarray(slash + 1, end);
  if (name.length === 0 || (name.length <= 2 && name.every((byte) => byte === DOT))) return undefined;
  if (slash < 0) return { parent: Uint8Array.of(DOT), name };
  return { parent: slash === 0 ? Uint8Array.of(SLASH) : path.subarray(0, slash), name };
}

export function endsInSlash(path: Uint8Array): boolean {
  return path.at(-1) === SLASH;
}
