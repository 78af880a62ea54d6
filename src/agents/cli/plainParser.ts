import { StringDecoder } from 'node:string_decoder';
import { stripVTControlCharacters } from 'node:util';
import { sliceWhole } from '../acp/json';
import type { AgentEvent } from '../agentConnection';
import type { CliParser } from './parser';

/** Longest line that is held back until it is complete, in UTF-16 units. */
const MAX_HELD_CHARS = 64 * 1024;

/** Reads the output of any command: lines of text, without colours. How it ends tells its exit code. */
export class PlainParser implements CliParser {
  readonly conversationId = undefined;
  readonly folder = undefined;
  readonly result = undefined;
  private readonly decoder = new StringDecoder('utf8');
  private held: string[] = [];
  private heldChars = 0;

  push(chunk: Buffer): AgentEvent[] {
    const text = this.decoder.write(chunk);
    const lineEnd = text.lastIndexOf('\n') + 1;
    if (lineEnd > 0) {
      const whole = this.take() + text.slice(0, lineEnd);
      this.hold(text.slice(lineEnd));
      return textEvents(whole);
    }
    this.hold(text);
    return this.heldChars > MAX_HELD_CHARS ? textEvents(this.take()) : [];
  }

  end(): AgentEvent[] {
    return textEvents(this.take() + this.decoder.end());
  }

  private hold(text: string): void {
    this.held.push(text);
    this.heldChars += text.length;
  }

  private take(): string {
    const text = this.held.join('');
    this.held = [];
    this.heldChars = 0;
    return text;
  }
}

function textEvents(text: string): AgentEvent[] {
  const plain = stripVTControlCharacters(text).replaceAll('\r\n', '\n');
  const events: AgentEvent[] = [];
  for (let start = 0; start < plain.length;) {
    const piece = sliceWhole(plain, start, MAX_HELD_CHARS);
    events.push({ type: 'text', text: piece });
    start += piece.length;
  }
  return events;
}
