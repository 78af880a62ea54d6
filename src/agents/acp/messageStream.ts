import type { Readable, Writable } from 'node:stream';
import type { AnyMessage, Stream } from '@agentclientprotocol/sdk/unstable';
import { LineSplitter } from '../../base/lines';
import { cut, isObject, type JsonObject } from './json';

/** Longest line that can be a message, in UTF-16 units; agents put whole files into one. */
const MAX_MESSAGE_CHARS = 64 * 1024 * 1024;

/** Most of a line that is not protocol that is passed on, in UTF-16 units. */
const MAX_NOISE_CHARS = 4_000;

/** What {@link messageStream} tells about the agent's output. */
export interface MessageStreamListener {
  /** Called in the order of arrival, before anything that came later reaches the SDK. */
  onUpdate(params: JsonObject): void;
  /** A line that is no protocol: a banner, a log line, garbage. */
  onNoise(line: string): void;
  /** Settles when more can be taken; nothing is read before. */
  whenReady(): Promise<void>;
}

/**
 * Joins an agent's standard streams to the SDK. It stands in for the SDK's `ndJsonStream`, which
 * answers every line that is not JSON with an error message and ends the connection at a long one.
 *
 * Notifications `session/update` are taken out here: the SDK drops one as a whole when a single
 * field of it is unknown, and handles it later than a response that came after it.
 */
export function messageStream(
  toAgent: Writable,
  fromAgent: Readable,
  listener: MessageStreamListener,
): Stream {
  let isCancelled = false;
  const readable = new ReadableStream<AnyMessage>({
    start(controller) {
      const splitter = new LineSplitter((line) => {
        if (isCancelled) return;
        const message = parseMessage(line);
        if (!message) {
          if (line.trim() !== '') listener.onNoise(cut(line, MAX_NOISE_CHARS));
        } else if (message['method'] === 'session/update') {
          if (isObject(message['params'])) listener.onUpdate(message['params']);
        } else {
          controller.enqueue(message as unknown as AnyMessage);
        }
      }, MAX_MESSAGE_CHARS);
      void pump(fromAgent, splitter, () => listener.whenReady()).then(() => {
        if (!isCancelled) controller.close();
      });
    },
    cancel() {
      isCancelled = true;
    },
  });
  const writable = new WritableStream<AnyMessage>({
    write: (message) => writeLine(toAgent, JSON.stringify(message)),
  });
  return { readable, writable };
}

/** Settles at the end of `source`, also when it breaks off: for a pipe that is the same. */
async function pump(
  source: Readable,
  splitter: LineSplitter,
  whenReady: () => Promise<void>,
): Promise<void> {
  try {
    for await (const chunk of source as AsyncIterable<Buffer>) {
      splitter.push(chunk);
      await whenReady();
    }
  } catch {
    // What came before the break is all there is.
  }
  splitter.end();
}

function parseMessage(line: string): JsonObject | undefined {
  if (!/^\s*\{/.test(line)) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  return isObject(value) && value['jsonrpc'] === '2.0' ? value : undefined;
}

function writeLine(target: Writable, line: string): Promise<void> {
  return new Promise((resolve, reject) => {
    target.write(`${line}\n`, (error) => {
      if (error) reject(error);
      else resolve();
    });
  });
}
