import assert from 'node:assert/strict';
import type { AgentConnection, OpenRequest, TurnResult } from '../../src/agents/agentConnection';
import { deferred, type Deferred } from '../../src/base/async';
import type { SessionEvent } from '../../src/domain/events';
import { Conversation } from '../../src/runner/conversation';
import { DiskFullError } from '../../src/runner/diskSpace';
import { EventLog } from '../../src/runner/eventLog';
import { eventsIn } from '../support/eventFolders';
import { FullDisk } from '../support/fullDisk';
import { makeTempFolder, removeTempFolder } from '../support/tempFolder';

describe('Conversation on a full disk', () => {
  let folder: string;
  let disk: FullDisk;
  let log: EventLog;
  let agent: WaitingAgent;
  let conversation: Conversation;

  beforeEach(async () => {
    folder = await makeTempFolder();
    disk = await FullDisk.make(folder);
    log = await EventLog.open(folder);
    agent = new WaitingAgent();
    conversation = new Conversation(log);
    conversation.open(agent, undefined);
    await log.flush();
  });
  afterEach(async () => {
    await log.close();
    disk.dispose();
    await removeTempFolder(folder);
  });

  const answersIn = (events: readonly SessionEvent[]): unknown[] =>
    events.flatMap((event) => (event.type === 'permission-answered' ? [event.optionId] : []));

  it('gives the agent no prompt that is not recorded', async () => {
    disk.isFull = true;
    await assert.rejects(conversation.prompt('p', 'work'), DiskFullError);
    assert.deepEqual(agent.prompts, []);
    disk.isFull = false;
    await conversation.prompt('p', 'work');
    assert.deepEqual(agent.prompts, ['work']);
  });

  it('keeps a request open when its answer could not be recorded', async () => {
    await conversation.prompt('p', 'work');
    disk.isFull = true;
    await assert.rejects(conversation.answer('r', 'yes'), DiskFullError);
    assert.deepEqual(agent.answers, []);
    disk.isFull = false;
    await conversation.answer('r', 'yes');
    assert.deepEqual(agent.answers, ['yes']);
    assert.deepEqual(answersIn(await eventsIn(folder)), ['yes']);
  });

  it('cancels a request whose turn was cancelled while its answer was refused', async () => {
    await conversation.prompt('p', 'work');
    disk.isFull = true;
    const answer = conversation.answer('r', 'yes');
    const cancelled = conversation.cancel();
    await assert.rejects(answer, DiskFullError);
    assert.deepEqual(agent.answers, [undefined]);
    disk.isFull = false;
    await cancelled;
    await log.flush();
    assert.deepEqual(answersIn(await eventsIn(folder)), [undefined]);
  });

  it('records that a request was withdrawn while its answer was refused', async () => {
    await conversation.prompt('p', 'work');
    disk.isFull = true;
    const answer = conversation.answer('r', 'yes');
    agent.openRequests.length = 0;
    conversation.listener.onRequestWithdrawn('r');
    await assert.rejects(answer, DiskFullError);
    disk.isFull = false;
    await log.flush();
    assert.deepEqual(agent.answers, []);
    assert.deepEqual(answersIn(await eventsIn(folder)), [undefined]);
  });
});

/** An agent whose turn lasts until it is cancelled, and its one request answered. */
class WaitingAgent implements AgentConnection {
  readonly prompts: string[] = [];
  readonly answers: (string | undefined)[] = [];
  readonly openRequests: OpenRequest[] = [{ requestId: 'r', optionIds: ['yes'] }];
  readonly closed = new Promise<void>(() => undefined);
  readonly isClosed = false;
  private readonly turn: Deferred<TurnResult> = deferred();
  private isCancelled = false;

  start(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  prompt(text: string): Promise<TurnResult> {
    this.prompts.push(text);
    return this.turn.promise;
  }

  cancel(): void {
    this.isCancelled = true;
    if (this.openRequests.length > 0) return;
    this.turn.resolve({ stopReason: 'cancelled', error: undefined, tokens: undefined });
  }

  answerPermission(_requestId: string, optionId: string | undefined): boolean {
    this.openRequests.length = 0;
    this.answers.push(optionId);
    if (this.isCancelled) this.cancel();
    return true;
  }

  close(): void {
    this.cancel();
  }
}
