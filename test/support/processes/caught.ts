import { vi } from 'vitest';
import type { Command } from '../../../src/commands/base/cli.ts';

export interface Caught {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command in this process and catches what it prints. */
export async function caught(command: Command, ...argv: readonly string[]): Promise<Caught> {
  const printed = { stdout: '', stderr: '' };
  const into = (stream: 'stdout' | 'stderr', end: string) => (text: unknown) => {
    printed[stream] += `${text}${end}`;
    return true;
  };
  // Under vitest the console does not write to the streams of the process.
  const spies = [
    vi.spyOn(process.stdout, 'write').mockImplementation(into('stdout', '')),
    vi.spyOn(process.stderr, 'write').mockImplementation(into('stderr', '')),
    vi.spyOn(console, 'log').mockImplementation(into('stdout', '\n')),
    vi.spyOn(console, 'error').mockImplementation(into('stderr', '\n')),
  ];
  try {
    return { code: await command(argv), ...printed };
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
}
