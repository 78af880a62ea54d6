import { UserError } from '../../base/errors';
import type { CliFormat } from '../../domain/agent';

/** Stands for the prompt in an argument of a plain command. */
const PLACEHOLDER = '{prompt}';

/** Longest argument that every system takes, in UTF-8 bytes; Linux allows 128 KiB, Windows 32 Ki in all. */
const MAX_ARGUMENT_BYTES = process.platform === 'win32' ? 24 * 1024 : 120 * 1024;

/** One start of a command. */
export interface CommandLine {
  readonly args: readonly string[];
  /** What it is given on its standard input. */
  readonly input: string;
}

/** What a command is started for. */
export interface CliTask {
  readonly format: CliFormat;
  /** The arguments from the settings. */
  readonly args: readonly string[];
  readonly prompt: string;
  /** The conversation to go on with; undefined: begin one. Plain commands have none. */
  readonly conversationId: string | undefined;
}

/**
 * How a command is started for one turn. Nothing goes through a shell.
 * @throws {UserError} when the prompt cannot be given as an argument
 */
export function commandLine({ format, args, prompt, conversationId }: CliTask): CommandLine {
  switch (format) {
    case 'claude': {
      const resume = conversationId === undefined ? [] : ['--resume', conversationId];
      const own = ['-p', '--output-format', 'stream-json', '--verbose', ...resume];
      return { args: [...args, ...own], input: prompt };
    }
    case 'codex': {
      const resume = conversationId === undefined ? [] : ['resume', conversationId];
      // "-": the prompt is on standard input.
      return { args: ['exec', '--json', ...args, ...resume, '-'], input: prompt };
    }
    case 'plain': {
      if (!args.some((arg) => arg.includes(PLACEHOLDER))) return { args, input: prompt };
      checkArgument(prompt);
      // A function: the prompt may hold what a replacement text would expand.
      return { args: args.map((arg) => arg.replaceAll(PLACEHOLDER, () => prompt)), input: '' };
    }
  }
}

function checkArgument(prompt: string): void {
  if (prompt.includes('\0')) {
    throw new UserError(
      `The prompt holds a NUL character, which no argument may. Leave it out, or take ${PLACEHOLDER} out of the agent's arguments: the prompt is then given on standard input.`,
    );
  }
  if (Buffer.byteLength(prompt) > MAX_ARGUMENT_BYTES) {
    throw new UserError(
      `The prompt is too long for an argument. Take ${PLACEHOLDER} out of the agent's arguments in deputy.agents: the prompt is then given on standard input.`,
    );
  }
}
