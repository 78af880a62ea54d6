import { UserError } from '../base/errors';
import type { Handoff } from '../domain/handoff';
import { messageLine } from '../routing/report';
import { ageText } from '../domain/words';
import type { CommandParts } from './commandParts';
import { labelsIn } from './names';
import type { Workbench } from './workbench';

/**
 * Asks for one of some handoffs.
 * @param given its number, when code knows which
 * @returns undefined when the person backed out
 * @throws {UserError} when there is nothing to choose from, or it is not among them
 */
export async function askForHandoff(
  { vs }: CommandParts,
  { store }: Workbench,
  handoffs: readonly Handoff[],
  given: unknown,
  question: { readonly title: string; readonly none: string },
): Promise<Handoff | undefined> {
  if (typeof given === 'number') {
    const found = handoffs.find(({ id }) => id === given);
    if (!found) throw new UserError(`Handoff ${given} is not among those that wait.`);
    return found;
  }
  if (handoffs.length === 0) throw new UserError(question.none);
  const nameOf = labelsIn(store);
  const now = Date.now();
  const items = handoffs.map((handoff) => {
    const message = store.messages.get(handoff.id);
    const facts = [
      `from ${nameOf(handoff.from)}`,
      ...(handoff.state === 'stranded' ? ['stranded'] : []),
      ...(message ? [ageText(message.timestamp, now)] : []),
    ];
    return {
      label: message ? messageLine(message) : `handoff ${handoff.id}`,
      description: facts.join(' · '),
      detail: `In the inbox of ${nameOf(handoff.to)}, ${handoff.purpose === 'self' ? 'for itself' : 'for its team'}`,
      handoff,
    };
  });
  const picked = await vs.window.showQuickPick(items, {
    title: question.title,
    placeHolder: 'Which handoff?',
    matchOnDescription: true,
    matchOnDetail: true,
    ignoreFocusOut: true,
  });
  return picked?.handoff;
}
