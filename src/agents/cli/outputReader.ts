import type { Readable } from 'node:stream';
import { within } from '../../base/async';
import type { AgentPipes } from '../agentConnection';

/** What takes a process's output. */
export interface OutputTaker {
  /** Takes the next bytes. */
  take(chunk: Buffer): void;
  /** Settles when more can be taken; nothing is read before. */
  whenReady(): Promise<void>;
}

/**
 * Reads a process's standard output to its end. When the process has ended and something that it
 * started holds its output open, silence is taken for the end: such a process may live for ever.
 * @param silenceMs how long that must last, in milliseconds
 */
export async function readOutput(
  { stdout, exited }: Pick<AgentPipes, 'stdout' | 'exited'>,
  taker: OutputTaker,
  silenceMs: number,
): Promise<void> {
  const chunks = chunksOf(stdout);
  const over = new AbortController();
  const exit = exited.then((): undefined => {
    over.abort();
  });
  for (;;) {
    const coming = chunks.next();
    let chunk = over.signal.aborted ? undefined : await Promise.race([coming, exit]);
    chunk ??= await within(coming, silenceMs, undefined);
    if (!chunk || chunk.done) break;
    taker.take(chunk.value);
    await taker.whenReady();
  }
  stdout.destroy();
}

/** Ends also when the pipe breaks off: what came before the break is all there is. */
async function* chunksOf(stdout: Readable): AsyncGenerator<Buffer, void> {
  try {
    for await (const chunk of stdout as AsyncIterable<Buffer>) yield chunk;
  } catch {
    // It has ended.
  }
}
