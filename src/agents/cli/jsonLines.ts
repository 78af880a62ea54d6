import { LineSplitter } from '../../base/lines';
import { cut, isObject, type JsonObject } from '../acp/json';
import type { AgentEvent } from '../agentConnection';

/** Longest line that can be an object, in UTF-16 units; agents put whole files into one. */
const MAX_OBJECT_CHARS = 64 * 1024 * 1024;

/** Most of a line that is none that is passed on, in UTF-16 units. */
const MAX_NOISE_CHARS = 4_000;

/** Cuts output into lines that are JSON objects; every other line becomes a `stderr` event. */
export class JsonLines {
  private readonly splitter: LineSplitter;
  private events: AgentEvent[] = [];

  /** @param read tells what an object says */
  constructor(read: (object: JsonObject) => AgentEvent[]) {
    this.splitter = new LineSplitter((line) => {
      if (line.trim() === '') return;
      const object = parseObject(line);
      const news: AgentEvent[] = object ? read(object) : [noise(line)];
      for (const event of news) this.events.push(event);
    }, MAX_OBJECT_CHARS);
  }

  /** What the lines say that these bytes complete. */
  push(chunk: Buffer): AgentEvent[] {
    this.splitter.push(chunk);
    return this.take();
  }

  /** What the last line says when it has no line feed. */
  end(): AgentEvent[] {
    this.splitter.end();
    return this.take();
  }

  private take(): AgentEvent[] {
    const { events } = this;
    this.events = [];
    return events;
  }
}

/** A line for a person that is no answer of the agent. */
export function noise(line: string): AgentEvent {
  return { type: 'stderr', text: cut(line, MAX_NOISE_CHARS) };
}

function parseObject(line: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(line);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
