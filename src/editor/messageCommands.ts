import type { Handoff, HandoffPurpose } from '../domain/handoff';
import { PERSON, type MessageBody } from '../domain/message';
import { labelOf } from '../domain/sessionView';
import { countText } from '../domain/words';
import { optionsOf, pick, tell, type CommandParts } from './commandParts';
import { askForHandoff } from './handoffPicker';
import { showInbox } from './inboxPick';
import { askForMessage, askForPurpose } from './messageQuestions';
import { activeSession, anySession, type SessionQuestion } from './pickSession';
import { nudgeFor } from './routingCommands';
import { SessionNode } from './sessionNode';
import { requireTrust } from './trust';
import type { Workbench } from './workbench';

/** What code may give to `deputy.sendMessage`; what is left out is asked. */
interface MessageOptions {
  readonly body: MessageBody;
  readonly purpose: HandoffPurpose;
}

/** Registers the commands about messages and inboxes. */
export function registerMessageCommands(parts: CommandParts): void {
  const { registry, workbench, vs } = parts;

  registry.register('deputy.sendMessage', async (target, given) => {
    const bench = await workbench();
    const receiver = await pick(parts, bench, SEND, target);
    if (!receiver) return undefined;
    const title = `${SEND.title}: ${labelOf(receiver)}`;
    const options = optionsOf<MessageOptions>(given);
    const body = options.body ?? (await askForMessage(vs, title));
    if (!body) return undefined;
    const { messenger } = bench.routing;
    const isHandoff = body.type === 'task_handoff';
    // A handoff makes an agent work.
    if (isHandoff) requireTrust(vs);
    const suggested = messenger.purposeFor(receiver);
    const isAsked = isHandoff && options.body === undefined;
    const purpose =
      options.purpose ?? (isAsked ? await askForPurpose(vs, title, suggested) : suggested);
    if (!purpose) return undefined;
    const id = messenger.send({ from: PERSON, to: receiver.id, body, purpose });
    nudgeFor(bench, bench.store.handoffs.get(id));
    return id;
  });

  registry.register('deputy.withdrawHandoff', async (target, given) => {
    const bench = await workbench();
    const sessionId = target instanceof SessionNode ? target.id : target;
    const waiting =
      typeof sessionId === 'string'
        ? queuedTo(bench, bench.manager.resolve(sessionId).id)
        : allWaiting(bench);
    const handoff = await askForHandoff(parts, bench, waiting, given, {
      title: 'Withdraw Handoff',
      none: 'No handoff waits here. One that its agent has begun can only be stopped.',
    });
    if (!handoff) return;
    bench.routing.messenger.withdraw(handoff.id);
  });

  registry.register('deputy.openInbox', async (target, messageId) => {
    const bench = await workbench();
    const session = await pick(parts, bench, INBOX, target);
    if (!session) return;
    const chosen =
      typeof messageId === 'number' ? messageId : await showInbox(parts, bench, session);
    if (chosen === undefined) return;
    bench.routing.messenger.markRead(chosen);
    await bench.documents.show('message', String(chosen));
  });

  registry.register('deputy.markRead', async (target) => {
    const bench = await workbench();
    const session = await pick(parts, bench, unreadQuestion(bench), target);
    if (!session) return undefined;
    const count = bench.routing.messenger.markAllRead(session.id);
    tell(parts, `${countText(count, 'message')} of ${labelOf(session)} marked as read.`);
    return count;
  });
}

const SEND = activeSession('Send Message');
const INBOX = anySession('Open Inbox');

function unreadQuestion({ manager }: Workbench): SessionQuestion {
  const { unread } = manager.overview();
  return {
    title: 'Mark Read',
    fits: ({ id }) => unread.has(id),
    none: 'No session has an unread message. Handoffs stay unread until they are taken or withdrawn.',
  };
}

function queuedTo({ store }: Workbench, id: string): readonly Handoff[] {
  return [...store.handoffs.queued(id, 'self'), ...store.handoffs.queued(id, 'team')];
}

function allWaiting(bench: Workbench): readonly Handoff[] {
  const { handoffs } = bench.store;
  const receivers = new Set([
    ...handoffs.queuedCounts('self').keys(),
    ...handoffs.queuedCounts('team').keys(),
  ]);
  return [...[...receivers].flatMap((id) => queuedTo(bench, id)), ...handoffs.stranded()];
}
