import { CustodyError } from '#core/errors.ts';

/** How a shell is told to set a variable, and to unset one. */
interface Shell {
  set(name: string, value: string): string;
  unset(name: string): string;
}

/** By the name that `--shell` takes. Nothing inside their single quotes is special but what is escaped here. */
export const shells: Readonly<Record<string, Shell>> = {
  sh: {
    set: (name, value) => `export ${name}='${value.replaceAll("'", `'\\''`)}'`,
    unset: (name) => `unset ${name}`,
  },
  fish: {
    set: (name, value) => `set -gx ${name} '${value.replaceAll(/[\\']/g, '\\$&')}'`,
    unset: (name) => `set -e ${name}`,
  },
  csh: {
    set: (name, value) => `setenv ${name} '${value.replaceAll("'", `'\\''`).replaceAll('!', '\\!')}'`,
    unset: (name) => `unsetenv ${name}`,
  },
};

/** Lines for a shell to evaluate; undefined: unset it. Throws `format-invalid` for a value that would end a line. */
export function shellLines(shell: Shell, variables: Readonly<Record<string, string | undefined>>): string[] {
  return Object.entries(variables).map(([name, value]) => {
    if (value === undefined) return shell.unset(name);
    if (/\p{Cc}/u.test(value)) throw new CustodyError('format-invalid', 'a value holds a control character');
    return shell.set(name, value);
  });
}
