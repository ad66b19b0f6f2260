import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder in which OpenSSH's own tool writes what we read. */
export class Keygen {
  readonly folder = mkdtempSync(join(tmpdir(), 'custody-keygen-'));

  run(...args: readonly string[]): string {
    return execFileSync('ssh-keygen', args, { cwd: this.folder, encoding: 'utf8', stdio: 'pipe' });
  }

  key(name: string, type: string, ...more: readonly string[]): void {
    this.run('-q', '-t', type, '-N', '', '-C', `${name}@test`, '-f', name, ...more);
  }

  /** Certifies `name.pub`; returns the certificate's line. */
  certify(ca: string, name: string, ...more: readonly string[]): string {
    this.run('-q', '-s', ca, '-I', 'an id', ...more, `${name}.pub`);
    return this.read(`${name}-cert.pub`);
  }

  read(name: string): string {
    return readFileSync(join(this.folder, name), 'utf8');
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  end(): void {
    rmSync(this.folder, { recursive: true });
  }
}
