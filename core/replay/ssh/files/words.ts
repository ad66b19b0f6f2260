import { escapeTerminal } from '../../text.ts';
import type { SshStep } from '../step.ts';

export function fileWords({ file }: SshStep): string {
  if (file === undefined) return 'file';
  const { by, operation, path, newPath, sha256 } = file;
  const words = [by, operation, path.text, newPath && `to ${newPath.text}`, sha256 && `sha256 ${sha256}`];
  return escapeTerminal(words.filter(Boolean).join(' '));
}

export function gitWords({ git }: SshStep): string[] {
  return [`git ${git?.operation} of ${escapeTerminal(git?.repository.text ?? '')}`];
}
