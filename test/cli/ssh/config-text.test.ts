import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { quoted, type SshHost, sshConfigText } from '#cli/ssh/config-text.ts';
import { shellWord } from '#cli/ssh/self.ts';
import { hasOpenSsh } from '#test/support/ssh-tools.ts';

const folder = mkdtempSync(join(tmpdir(), 'custody config %h '));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const WEB: SshHost = { name: 'web-1', host: '192.0.2.7', port: 7422, logins: ['deploy', 'root'] };
const files = {
  identity: join(folder, 'ssh_key'),
  certificates: [join(folder, 'ssh_cert-web-1.pub'), join(folder, 'ssh_cert.pub')],
  knownHosts: join(folder, 'ssh_known_hosts'),
};

/** What ssh makes of it. */
function seen(text: string, ...args: string[]): Map<string, string[]> {
  const file = join(folder, 'ssh_config');
  writeFileSync(file, text);
  const lines = execFileSync('ssh', ['-T', '-F', file, '-G', ...args], { encoding: 'utf8' })
    .trim()
    .split('\n');
  const options = new Map<string, string[]>();
  for (const line of lines) {
    const [name = '', ...value] = line.split(' ');
    options.set(name, [...(options.get(name) ?? []), value.join(' ')]);
  }
  return options;
}

describe.skipIf(!hasOpenSsh())('ssh_config, as ssh reads it', () => {
  const text = sshConfigText([WEB], () => files, 'true');

  test('says where, as whom, and with what', () => {
    const options = seen(text, 'web-1');
    expect(options.get('hostname')).toEqual(['192.0.2.7']);
    expect(options.get('port')).toEqual(['7422']);
    expect(options.get('user')).toEqual(['deploy+web-1']);
    expect(options.get('stricthostkeychecking')).toEqual(['true']);
    expect(options.get('identityfile')).toEqual([files.identity.replaceAll('%', '%%')]);
    expect(options.get('certificatefile')).toEqual(
      files.certificates.map((file) => file.replaceAll('%', '%%')),
    );
    expect(options.get('userknownhostsfile')).toEqual([files.knownHosts]);
    expect(options.get('globalknownhostsfile')).toEqual(['/dev/null']);
  });

  test('has a host for each login', () => {
    expect(seen(text, 'root+web-1').get('user')).toEqual(['root+web-1']);
    expect(seen(text, 'root+web-1').get('hostname')).toEqual(['192.0.2.7']);
  });

  test('says nothing of other hosts, and runs nothing for them', () => {
    const ran = join(folder, 'ran');
    const watched = sshConfigText([WEB], () => files, `echo >>${shellWord(ran)}`);
    expect(seen(watched, 'web-10').get('hostname')).toEqual(['web-10']);
    expect(existsSync(ran)).toBe(false);
    seen(watched, 'web-1');
    expect(execFileSync('cat', [ran], { encoding: 'utf8' })).toBe('web-1\n');
  });

  test('a certificate that cannot be renewed leaves the host what it is', () => {
    const failing = sshConfigText([WEB], () => files, 'false');
    expect(seen(failing, 'web-1').get('hostname')).toEqual(['192.0.2.7']);
  });
});

test.each(['/a"b', '/a\nb', '/a\\b', '/a${HOME}b'])(
  'refuses a path that ssh would read as another: %j',
  (path) => {
    expect(() => quoted(path)).toThrow(/ssh cannot be told of/);
  },
);

test.each(["it's", 'a\\b', 'a!b', 'a\nb'])(
  'refuses a word that shells read in different ways: %j',
  (word) => {
    expect(() => shellWord(word)).toThrow(/not every shell/);
  },
);
