import * as os from 'node:os';
import * as path from 'node:path';
import { Readable, Writable } from 'node:stream';
import { ndJsonStream } from '@agentclientprotocol/sdk/unstable';
import { within } from '../../base/async';
import type { Host } from './actions';
import { RehearsalAgent } from './agent';
import { ConversationStore } from './conversations';
import { killRunningPrograms } from './process';

/** Environment variable that names the folder of the conversations. */
const HOME_VARIABLE = 'DEPUTY_REHEARSAL_HOME';
/** Most time that turns, or the last output, may take at the end, in milliseconds. */
const END_MS = 3000;
const END_SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

/** The process: standard output carries the protocol and nothing else. */
function main(): void {
  let isEndIgnored = false;

  const host: Host = {
    exit: async (code) => {
      await flush();
      process.exit(code);
    },
    crash: async () => {
      await flush();
      process.kill(process.pid, 'SIGKILL');
      // The signal may arrive a moment later; nothing may be done in between.
      return new Promise<never>(() => undefined);
    },
    ignoreEnd: () => {
      isEndIgnored = true;
      process.removeAllListeners('SIGTERM').on('SIGTERM', () => host.warn('Ignored SIGTERM.'));
      // The event loop lives on when the input has ended.
      setInterval(() => undefined, 60_000);
    },
    warn: (line) => void process.stderr.write(`${line}\n`),
  };

  // When nobody reads any more, the end of the input follows; until then output is lost.
  process.stdout.on('error', () => undefined);
  process.stderr.on('error', () => undefined);

  const home = process.env[HOME_VARIABLE] || path.join(os.homedir(), '.deputy', 'rehearsal');
  const agent = new RehearsalAgent(new ConversationStore(home), host);
  const stop = async (): Promise<void> => within(agent.stop(), END_MS, undefined);
  for (const signal of END_SIGNALS) {
    // Once: a second signal, and the one that is raised again here, end the process at once.
    process.once(signal, () => {
      void stop().then(() => {
        killRunningPrograms();
        process.kill(process.pid, signal);
      });
    });
  }
  process.once('exit', killRunningPrograms);

  const connection = agent
    .app()
    .connect(ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin)));
  void connection.closed.then(async () => {
    if (isEndIgnored) {
      host.warn('Ignored the end of input.');
      return;
    }
    await stop();
    await host.exit(0);
  });
}

/** Settles when what was written to standard output is with the reader, or nobody reads. */
async function flush(): Promise<void> {
  const flushed = new Promise<void>((resolve) => process.stdout.write('', () => resolve()));
  await within(flushed, END_MS, undefined);
}

main();
