/** `options` of a startup packet: arguments of a backend's command line, for the server and for the gateway. */

/** A letter that takes a value, by `postgres --help` and in its reference page; `--name=value` is one of them. */
const LAST_LETTER = /(?<=^-.*?)[BCDNSWcdfhkprtv-]/s;
const GATEWAY_SETTING = /^custody\.([^=]+)=(.*)$/is;

export interface SeparatedOptions {
  /** What was meant for the gateway, in order: `custody.<name>`, the name in lower case. */
  readonly settings: readonly (readonly [name: string, value: string])[];
  /** The rest, for the server; as it came when nothing was taken out of it. */
  readonly rest: string;
}

/**
 * Tells the gateway's settings in `options` from the server's, reading them as the server does: `-c name=value` and
 * `--name=value`, also behind other letters of one argument. Text has one character a byte.
 */
export function separateOptions(options: string): SeparatedOptions {
  const args = splitOptions(options);
  const settings: [string, string][] = [];
  const kept: string[] = [];
  while (args.length > 0) {
    const argument = args.shift()!;
    // The server stops at what is no option, and refuses it.
    if (!/^-./s.test(argument) || argument === '--') kept.push(argument, ...args.splice(0));
    else takeOption(argument, args, settings, kept);
  }
  const isWhole = settings.length === 0 && kept.length > 0;
  return { settings, rest: isWhole ? options : kept.map(escaped).join(' ') };
}

/** One argument of letters, the last of which may have its value in the next argument. */
function takeOption(
  argument: string,
  following: string[],
  settings: [string, string][],
  kept: string[],
): void {
  const at = argument.search(LAST_LETTER);
  const isApart = at >= 0 && at === argument.length - 1;
  const value = isApart ? following.shift() : argument.slice(at + 1);
  const isSetting = at >= 0 && 'c-'.includes(argument[at]!);
  const setting = isSetting ? GATEWAY_SETTING.exec(value ?? '') : null;
  if (setting !== null) {
    settings.push([setting[1]!.toLowerCase(), setting[2]!]);
    if (at > 1) kept.push(argument.slice(0, at));
  } else if (isApart && value !== undefined) kept.push(argument, value);
  else kept.push(argument);
}

/** Arguments stand between white space that no backslash escapes. */
function splitOptions(options: string): string[] {
  const found = options.match(/(?:\\.|\\$|[^\\ \t\n\v\f\r])+/gs) ?? [];
  return found.map((argument) => argument.replaceAll(/\\(.?)/gs, '$1'));
}

function escaped(argument: string): string {
  return argument.replaceAll(/[\\ \t\n\v\f\r]/g, '\\$&');
}
