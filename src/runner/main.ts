import { messageOf } from '../base/errors';
import { takeLaunchData } from './launchFile';
import { SessionRunner } from './sessionRunner';

/**
 * The runner: `node runner.js <session's folder>`. Starts the session's agent, records what it does
 * and answers on the session's socket until the agent and all that it started are gone. Exit code 0
 * means that the last event is on record; see `runnerLauncher.ts` for how it is started.
 */
async function main(sessionFolder: string | undefined): Promise<number> {
  if (sessionFolder === undefined) throw new Error('Usage: runner.js <session folder>');
  const launch = await takeLaunchData(sessionFolder);
  const runner = await SessionRunner.open(sessionFolder, launch);
  reportDefectsTo((why) => runner.fail({ kind: 'defect', why }));
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.on(name, () => runner.stop('stop'));
  const isClean = await runner.run(() => process.stdout.write('ready\n'));
  return isClean ? 0 : 1;
}

/** What nobody has caught must not end the runner before its agent. */
function reportDefectsTo(report: (why: string) => void): void {
  const handle = (error: unknown): void => {
    const text = error instanceof Error ? error.stack : undefined;
    process.stderr.write(`${text ?? String(error)}\n`);
    report(messageOf(error));
  };
  process.on('uncaughtException', handle);
  process.on('unhandledRejection', handle);
}

// Whoever started the runner may be gone, and its terminal, too.
process.stdout.on('error', () => undefined);
process.stderr.on('error', () => undefined);
process.on('SIGHUP', () => undefined);

main(process.argv[2]).then(
  (code) => process.exit(code),
  (error: unknown) => {
    process.stderr.write(`${messageOf(error)}\n`, () => process.exit(1));
  },
);
