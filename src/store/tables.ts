import { ActivityRows } from './activityRows';
import { AttentionRows } from './attentionRows';
import { HandoffRows } from './handoffRows';
import { MessageRows } from './messageRows';
import { MetaRows } from './metaRows';
import { SessionRows } from './sessionRows';
import type { Statements } from './statements';
import { ToolLogRows } from './toolLogRows';
import { TurnRows } from './turnRows';

/** All tables of the state, over one database. */
export class Tables {
  readonly sessions: SessionRows;
  readonly messages: MessageRows;
  readonly handoffs: HandoffRows;
  readonly turns: TurnRows;
  readonly toolLog: ToolLogRows;
  readonly attention: AttentionRows;
  readonly activity: ActivityRows;
  readonly meta: MetaRows;

  /** @param touch called with the session that a write is about; throws outside of a transaction */
  constructor(statements: Statements, touch: (sessionId: string) => void) {
    this.sessions = new SessionRows(statements, touch);
    this.messages = new MessageRows(statements, touch);
    this.handoffs = new HandoffRows(statements, touch);
    this.turns = new TurnRows(statements, touch);
    this.toolLog = new ToolLogRows(statements, touch);
    this.attention = new AttentionRows(statements, touch);
    this.activity = new ActivityRows(statements);
    this.meta = new MetaRows(statements);
  }
}
