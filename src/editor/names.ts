import { PERSON } from '../domain/message';
import { labelOf } from '../domain/sessionView';
import type { NameOf } from '../routing/report';
import type { StateStore } from '../session/ports';

/** How sessions are called where one is named among others: the label first, the id to tell it apart. */
export function namesIn(store: StateStore): NameOf {
  return (id) => {
    if (id === PERSON) return 'you';
    const session = store.sessions.get(id);
    return session ? `${labelOf(session)} (${id})` : id;
  };
}

/** The label alone, for a sentence that is read once. */
export function labelsIn(store: StateStore): NameOf {
  return (id) => {
    if (id === PERSON) return 'you';
    const session = store.sessions.get(id);
    return session ? labelOf(session) : id;
  };
}
