/** `options` of a startup packet: arguments of a backend's command line, for the server and for the gateway. */

/** A letter that takes a value, by `postgres --help` and in its reference page; `--name=value` is one of them. */
const LAST_LETTER = /[BCDNSWcdfhkprtv-]/;
const OWN = 'custody.';

/** A name as the server folds it, and a value. */
export type Setting = readonly [name: string, value: string];

interface Option {
  readonly args: readonly string[];
  /** Undefined for what is no setting. */
  readonly setting?: Setting;
}

export interface SeparatedOptions {
  /** What was meant for the gateway, in order: `custody.<name>`, without the prefix. */
  readonly own: readonly Setting[];
  /** The rest, for the server; as it came when nothing was taken out of it. */
  readonly rest: string;
  /** The settings in the rest; undefined where there is anything else. */
  readonly settings: readonly Setting[] | undefined;
}

/**
 * Tells the gateway's settings in `options` from the server's, reading them as the server does: `-c name=value` and
 * `--name=value`, also behind other letters of one argument. Text has one character a byte.
 */
export function separateOptions(options: string): SeparatedOptions {
  const all = readOptions(options);
  const own = all.filter(isOwn);
  const theirs = all.filter((option) => !isOwn(option));
  const settings = settingsOf(theirs);
  const rest = theirs.flatMap(({ args }) => args.map(escaped)).join(' ');
  return {
    own: settingsOf(own).map(([name, value]) => [name.slice(OWN.length), value]),
    rest: own.length === 0 && theirs.length > 0 ? options : rest,
    settings: settings.length === theirs.length ? settings : undefined,
  };
}

function isOwn({ setting }: Option): boolean {
  return setting !== undefined && setting[0].startsWith(OWN) && setting[0] !== OWN;
}

function settingsOf(options: readonly Option[]): Setting[] {
  return options.flatMap(({ setting }) => (setting === undefined ? [] : [setting]));
}

function readOptions(options: string): Option[] {
  const args = splitOptions(options);
  const read: Option[] = [];
  while (args.length > 0) {
    const argument = args.shift()!;
    // The server stops at what is no option, and refuses it.
    if (!/^-./s.test(argument) || argument === '--') read.push({ args: [argument, ...args.splice(0)] });
    else read.push(...optionsIn(argument, args));
  }
  return read;
}

/** One argument of letters, the last of which may have its value in the next argument. */
function optionsIn(argument: string, following: string[]): Option[] {
  const behindHyphen = argument.slice(1).search(LAST_LETTER);
  const at = behindHyphen < 0 ? -1 : 1 + behindHyphen;
  const isApart = at >= 0 && at === argument.length - 1;
  const value = isApart ? following.shift() : argument.slice(at + 1);
  const setting = at >= 0 && 'c-'.includes(argument[at]!) ? settingIn(value ?? '') : undefined;
  if (setting === undefined)
    return [{ args: isApart && value !== undefined ? [argument, value] : [argument] }];
  const args = isApart ? [`-${argument[at]}`, value!] : [`-${argument.slice(at)}`];
  const letters = at > 1 ? [{ args: [argument.slice(0, at)] }] : [];
  return [...letters, { args, setting }];
}

/** Names have no case, and hyphens stand for underscores. */
function settingIn(text: string): Setting | undefined {
  const [, name, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
  return name === undefined ? undefined : [name.toLowerCase().replaceAll('-', '_'), value!];
}

/** Arguments stand between white space that no backslash escapes. */
function splitOptions(options: string): string[] {
  const found = options.match(/(?:\\.|\\$|[^\\ \t\n\v\f\r])+/gs) ?? [];
  return found.map((argument) => argument.replaceAll(/\\(.?)/gs, '$1'));
}

/** An argument is empty only where a backslash comes last. */
function escaped(argument: string): string {
  if (argument === '') return '\\';
  return argument.replaceAll(/[\\ \t\n\v\f\r]/g, '\\$&');
}
