import { Command } from 'commander';
import type { Cli } from '../cli.ts';

export function demoCommand(_cli: Cli): Command {
  return new Command('demo');
}
