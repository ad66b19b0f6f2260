/** Steps of files and repositories in words. */

import type { Shown } from '../../step.ts';
import { escapeTerminal } from '../../text.ts';
import type { ShownFile, ShownGit, ShownRef } from './file-step.ts';

/** Lines that are safe for a terminal, the first of them the headline. */
export function fileLines(file: ShownFile): string[] {
  const { by, operation, path, name, newPath, resolved, error } = file;
  const to = newPath === undefined ? '' : ` to ${words(newPath)}`;
  const as = name === undefined ? '' : ` (as ${words(name)}, if that is a directory)`;
  const facts = [...transferFacts(file), ...changeFacts(file)];
  return [
    `${by} ${operation} ${words(path)}${to}${as}`,
    ...(resolved === undefined ? [] : [`which leads to ${words(resolved)}`]),
    ...(facts.length === 0 ? [] : [facts.join(', ')]),
    ...(file.sha256 === undefined
      ? []
      : [`sha256 ${file.sha256}${file.withheld ? ', as the gateway noted' : ''}`]),
    ...(file.ranges ?? []).map(({ from, bytes, sha256 }) => `${bytes} bytes from ${from}: sha256 ${sha256}`),
    ...(error === undefined ? [] : [`why: ${words(error)}`]),
  ];
}

function transferFacts(file: ShownFile): string[] {
  const { direction, size, transferred, whole, overlapping, unlisted, failed } = file;
  return present([
    direction,
    transferred !== undefined && `${transferred} bytes`,
    size !== undefined && size !== transferred && `${transferred === undefined ? 'to' : 'of'} ${size} bytes`,
    whole === false && 'not the whole file',
    overlapping && 'some of it more than once',
    unlisted !== undefined && `${unlisted} bytes without a digest`,
    failed !== undefined && `${failed} parts not written`,
  ]);
}

function changeFacts({ mode, owner, modified, entries }: ShownFile): string[] {
  return present([
    mode !== undefined && `mode ${mode.toString(8).padStart(4, '0')}`,
    owner !== undefined && `owner ${owner.uid}:${owner.gid}`,
    modified !== undefined && `modified ${dateOf(modified)}`,
    entries !== undefined && `${entries} entries`,
  ]);
}

function dateOf(seconds: number): string {
  const date = new Date(seconds * 1000);
  return Number.isNaN(date.valueOf()) ? `${seconds} s after 1970` : date.toISOString().replace('.000', '');
}

/** As `fileLines`. */
export function gitLines(git: ShownGit): string[] {
  const { operation, repository, version, advertised, refs, changed, shallow, filter, pack, error } = git;
  const facts = present([
    version !== undefined && `protocol ${version}`,
    advertised !== undefined && `${advertised} refs told of`,
    git.signed && 'signed',
    filter !== undefined && `filter ${words(filter)}`,
    ...(shallow ?? []).map(escapeTerminal),
    ...(git.options ?? []).map((option) => `option ${words(option)}`),
    pack && `pack of ${pack.bytes} bytes${pack.objects === undefined ? '' : `, ${pack.objects} objects`}`,
  ]);
  const more = (changed ?? refs.length) - refs.length;
  return [
    `git ${operation} ${words(repository)}`,
    ...(facts.length === 0 ? [] : [facts.join(', ')]),
    ...refs.map(refLine),
    ...(more > 0 ? [`(${more} more refs)`] : []),
    ...(pack?.sha256 === undefined ? [] : [`sha256 of the pack ${pack.sha256}`]),
    ...(error === undefined ? [] : [`why: ${words(error)}`]),
  ];
}

function refLine({ name, from, to, change, status }: ShownRef): string {
  const ids = [change !== 'create' && from, change !== 'delete' && to].filter(
    (id) => id !== false && id !== undefined,
  );
  const said = status === undefined ? '' : `: ${words(status)}`;
  return `${change ?? 'wanted'} ${name === undefined ? 'what no ref named' : words(name)} ${ids.join(' -> ')}${said}`.trimEnd();
}

function words({ text, cut, bytes }: Shown): string {
  return escapeTerminal(text) + (cut ? `… (${bytes} bytes in all)` : '');
}

function present(facts: readonly (string | false | undefined)[]): string[] {
  return facts.filter((fact) => typeof fact === 'string');
}
