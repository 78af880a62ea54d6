import type { Clock } from '../domain/clock';
import type { HandoffPurpose } from '../domain/handoff';
import { checkMessage, encodeMessage, type Message, type MessageBody } from '../domain/message';
import { isActive, type Session } from '../domain/session';
import { requireSession } from '../session/lookup';
import type { StateStore } from '../session/ports';
import {
  HandoffNotFoundError,
  HandoffStateError,
  SelfHandoffError,
  SessionEndedError,
} from './errors';
import type { HandoffBook } from './handoffBook';
import { mayBeGiven } from './mayBeGiven';
import type { TeamPort } from './parts';

/** How many messages an inbox shows at most. */
const INBOX_LIMIT = 200;

/** A message that is to be sent. */
export interface Outgoing {
  /** A session, `PERSON`, or any other text. */
  readonly from: string;
  /** Id of a session. */
  readonly to: string;
  readonly body: MessageBody;
  /** Handoffs only: for the receiver itself, or for its team; default: see {@link Messenger.purposeFor}. */
  readonly purpose?: HandoffPurpose;
  /** Handoffs only: milliseconds since 1970, after which it has failed; default: none. */
  readonly deadline?: number | undefined;
}

/** The messages between sessions and people. */
export class Messenger {
  constructor(
    private readonly store: StateStore,
    private readonly book: HandoffBook,
    private readonly team: Pick<TeamPort, 'isFollowing' | 'isGiving'>,
    private readonly clock: Clock,
  ) {}

  /**
   * Puts a message into a session's inbox.
   * @returns its id
   * @throws {InvalidMessageError} when something is missing in it
   * @throws {SessionNotFoundError} when there is no such receiver
   * @throws {SessionEndedError} when the receiver has ended
   * @throws {SelfHandoffError} for a handoff from a session to itself
   */
  send({ from, to, body, purpose, deadline }: Outgoing): number {
    checkMessage(body);
    return this.store.mutate(() => {
      const receiver = requireSession(this.store, to);
      if (!isActive(receiver.state)) {
        throw new SessionEndedError(receiver, 'Nobody would read this message');
      }
      if (body.type === 'task_handoff') {
        if (from === to) throw new SelfHandoffError(to);
        const handoff = this.book.queue({
          ...body,
          task: body.task.trim(),
          from,
          to,
          purpose: purpose ?? this.purposeFor(receiver),
          deadline,
        });
        return handoff.id;
      }
      return this.store.messages.insert({
        from,
        to,
        type: body.type,
        content: encodeMessage(body),
        timestamp: this.clock(),
      });
    });
  }

  /** What a handoff to a session is for unless somebody says otherwise: a lead with delegates shares it. */
  purposeFor({ id, role }: Session): HandoffPurpose {
    return role === 'lead' && this.store.sessions.delegatesOf(id, undefined).length > 0
      ? 'team'
      : 'self';
  }

  /** The latest messages to a session, the newest first; 200 at most. */
  inbox(sessionId: string): readonly Message[] {
    return this.store.messages.inbox(sessionId, INBOX_LIMIT);
  }

  /** Marks a message as read; a queued handoff stays unread: only taking or withdrawing it settles it. */
  markRead(messageId: number): void {
    const handoff = this.store.handoffs.get(messageId);
    const message = this.store.messages.get(messageId);
    const isOpen = handoff?.state === 'queued' || handoff?.state === 'stranded';
    if (!message || message.isRead || isOpen) return;
    this.store.mutate(() => this.store.messages.setRead(messageId, true));
  }

  /** {@link markRead} for all messages to a session. @returns how many were not read yet */
  markAllRead(sessionId: string): number {
    return this.store.mutate(() => this.store.messages.markAllRead(sessionId));
  }

  /**
   * Takes a handoff back that nobody has begun.
   * @throws {HandoffNotFoundError} when there is none
   * @throws {HandoffStateError} when it is over, or somebody is at it
   */
  withdraw(handoffId: number): void {
    this.store.mutate(() => {
      const handoff = this.store.handoffs.get(handoffId);
      if (!handoff) throw new HandoffNotFoundError(handoffId);
      if (handoff.state !== 'queued' && handoff.state !== 'stranded') {
        throw new HandoffStateError(handoffId, 'withdrawn', WHY[handoff.state]);
      }
      const receiver = this.store.sessions.get(handoff.to);
      if (mayBeGiven({ store: this.store, team: this.team }, handoff)) {
        throw new HandoffStateError(
          handoffId,
          'withdrawn',
          'its agent may have it already. Look again in a moment, or stop that session.',
        );
      }
      if (receiver?.initialHandoffId === handoffId && receiver.state === 'pending') {
        throw new HandoffStateError(
          handoffId,
          'withdrawn',
          `session ${receiver.id} is being started for it. Stop that session instead.`,
        );
      }
      this.book.withdraw(handoff, 'A person withdrew it.');
    });
  }

  /**
   * Gives work that nobody was left for to a session.
   * @returns the new handoff's id
   * @throws {UserError} when it is not stranded, or the session has ended
   */
  rescue(handoffId: number, to: string, purpose: HandoffPurpose): number {
    return this.store.mutate(() => {
      const handoff = this.store.handoffs.get(handoffId);
      if (!handoff) throw new HandoffNotFoundError(handoffId);
      if (handoff.state !== 'stranded') {
        throw new HandoffStateError(handoffId, 'given to somebody else', `it is ${handoff.state}.`);
      }
      const receiver = requireSession(this.store, to);
      if (!isActive(receiver.state)) {
        throw new SessionEndedError(receiver, 'It takes no work');
      }
      return this.book.rescue(handoff, to, purpose).id;
    });
  }
}

const WHY = {
  taken: 'its agent is at it. Stop that session instead.',
  done: 'it is done.',
  failed: 'it has failed.',
  routed: 'it was passed on. Withdraw the handoff that was made for it.',
  withdrawn: 'it was withdrawn already.',
} as const;
