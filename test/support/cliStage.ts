import * as fs from 'node:fs/promises';
import * as path from 'node:path';
import type { CliFormat } from '../../src/domain/agent';
import type { LaunchData } from '../../src/domain/runnerProtocol';
import { RunnerStage } from './runnerStage';

const PROGRAM = path.resolve('out/test/fixtures/cliAgent.js');

/**
 * A stage whose agent is the test command `cliAgent`, as a program of its own: where its arguments
 * begin is up to Deputy.
 * @param task the first prompt; none when it is empty
 */
export async function makeCliStage(
  format: CliFormat,
  task: string,
  changes: Partial<LaunchData> = {},
): Promise<RunnerStage> {
  const stage = await RunnerStage.make('', {
    protocol: 'cli',
    format,
    args: [],
    task,
    graceMs: 500,
    ...changes,
  });
  const command = await makeCliProgram(stage.folder, format);
  const env = { CLI_AGENT_STATE: stage.folder };
  return Object.assign(stage, { launch: { ...stage.launch, command, env } });
}

/** Makes the test command `cliAgent` for a format; returns its path. */
export async function makeCliProgram(folder: string, format: CliFormat): Promise<string> {
  const program = path.join(folder, `${format}-agent`);
  const script = `#!${process.execPath}\nprocess.argv.splice(2, 0, '${format}');\nrequire(${JSON.stringify(PROGRAM)});\n`;
  await fs.writeFile(program, script, { mode: 0o755 });
  return program;
}
