import assert from 'node:assert/strict';
import * as path from 'node:path';
import type { AgentDefinition } from '../../src/domain/agent';
import type { ExitReason, SessionEvent } from '../../src/domain/events';
import type { Session, SessionState } from '../../src/domain/session';
import { TestCore } from './core';

/** An agent type whose program is one of `fixtures/badAgents`, with its arguments after blanks. */
function definitionOf(name: string): AgentDefinition {
  const [program = '', ...args] = name.split(' ');
  return {
    name,
    description: 'a bad agent of the tests',
    protocol: 'acp',
    format: 'plain',
    command: process.execPath,
    args: [path.resolve('out/test/fixtures/badAgents', `${program}.js`), ...args],
    env: {},
    howToGet: '',
  };
}

/** How a session is to have ended. */
export interface End {
  readonly state: SessionState;
  readonly ending: ExitReason;
  /** Undefined: it has none. */
  readonly reason: RegExp | undefined;
}

/** Everything but the editor, and agents that behave badly. */
export class BadAgentCore extends TestCore {
  static async of(...names: readonly string[]): Promise<BadAgentCore> {
    const core = new BadAgentCore(await TestCore.makeRoot(), names.map(definitionOf));
    return core.prepare();
  }

  /** Starts a session of a bad agent; what becomes of its start is in its record. */
  async begin(agentType: string, task = 'go'): Promise<string> {
    const folder = this.repository;
    const created = await this.manager.create({ task, agentType, useWorktree: false, folder });
    created.started.catch(() => undefined);
    return created.id;
  }

  /** Waits until a turn has ended, or the session with it. */
  turnEnd(id: string): Promise<Session> {
    return this.until(id, (it) => it.state !== 'pending' && it.state !== 'running');
  }

  /** Waits until the session's processes are gone as its record says, and checks how it ended. */
  async assertEnded(id: string, { state, ending, reason }: End): Promise<void> {
    const session = await this.until(id, (it) => it.presence === 'gone' && it.state !== 'pending');
    assert.equal(session.state, state);
    assert.equal(session.ending, ending);
    if (reason) assert.match(session.reason ?? '', reason);
    else assert.equal(session.reason, undefined);
    assert.equal(session.pid, undefined);
    assert.deepEqual(session.requests, []);
    assert.deepEqual(await this.lasting(id), []);
  }

  /** The session's events up to now. */
  async eventsOf(id: string): Promise<SessionEvent[]> {
    const events: SessionEvent[] = [];
    for await (const event of this.manager.events(id)) events.push(event);
    return events;
  }

  /** All that the session's agent has said. */
  async said(id: string): Promise<string> {
    const events = await this.eventsOf(id);
    return events.map((event) => (event.type === 'text' ? event.text : '')).join('');
  }

  /** All that came from the session's agent beside its protocol, line by line. */
  async noise(id: string): Promise<string[]> {
    const events = await this.eventsOf(id);
    return events.flatMap((event) => (event.type === 'stderr' ? event.text : []));
  }
}
