import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { localHostKeys } from '#adapters/local/ssh/host-keys.ts';
import { hostKeyLines } from '#core/protocols/ssh/host-keys.ts';
import { durabilityModes } from '#core/recording/format.ts';
import { freePort, startSshd } from '#test/support/sshd.ts';

/** Says what it got, once that is in its log with the time: the log knows more than whoever is told. */
const PROGRAM = `LC_ALL=C
trap '' PIPE HUP
exec 3>>"$1"
while IFS= read -r line; do
  printf '%s %s\\n' "$EPOCHREALTIME" "$line" >&3
  printf 'got %s\\n' "$line" 2>/dev/null
done
`;

/** A real sshd behind the gateway, and what a program at it really got, from a log that no gateway has a hand in. */
export interface SshTarget {
  /** The gateway's. */
  readonly port: number;
  readonly login: string;
  readonly knownHosts: string;
  /** Answers every line of its input with `got` and the line. */
  readonly command: string;
  /** Of custody.yaml: the same sshd once for each mode. */
  readonly targets: Readonly<Record<string, unknown>>;
  /** Every line that it got, in order, with the time in milliseconds. */
  got(): ReadonlyMap<string, number>;
  stop(): Promise<void>;
}

export async function startSshTarget(folder: string, dataDir: string): Promise<SshTarget> {
  const sshd = await startSshd(folder);
  const port = await freePort();
  const [program, log, knownHosts] = ['program.sh', 'got', 'known_hosts'].map((name) => join(folder, name));
  writeFileSync(program!, PROGRAM);
  writeFileSync(log!, '');
  const keys = hostKeyLines(await localHostKeys(dataDir).load());
  writeFileSync(knownHosts!, keys.map((line) => `[127.0.0.1]:${port} ${line}\n`).join(''));
  const targetOf = (durability: string) => ({
    protocol: 'ssh',
    address: `127.0.0.1:${sshd.port}`,
    hostKeys: [sshd.hostKey],
    logins: { [sshd.login]: { keyFile: sshd.keyFile } },
    recording: { durability },
  });
  return {
    port,
    login: sshd.login,
    knownHosts: knownHosts!,
    command: `bash ${program} ${log}`,
    targets: Object.fromEntries(
      durabilityModes.map((durability) => [`ssh-${durability}`, targetOf(durability)]),
    ),
    got: () => linesOf(log!),
    stop: () => sshd.stop(),
  };
}

function linesOf(log: string): ReadonlyMap<string, number> {
  const lines = readFileSync(log, 'utf8').split('\n').slice(0, -1);
  return new Map(
    lines.map((line) => {
      const at = line.indexOf(' ');
      return [line.slice(at + 1), Number(line.slice(0, at)) * 1000];
    }),
  );
}
