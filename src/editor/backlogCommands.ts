import { dispatchText, drainText, formatCoordination, rebalanceText } from '../routing/report';
import { busy, pick, tell, type CommandParts } from './commandParts';
import { namesIn } from './names';
import { activeSession, type SessionQuestion } from './pickSession';
import { requireTrust } from './trust';
import type { Workbench } from './workbench';

/** Registers the commands that move what waits. */
export function registerBacklogCommands(parts: CommandParts): void {
  const { vs, registry, workbench } = parts;

  registry.register('deputy.drainInbox', async (target) => {
    requireTrust(vs);
    const bench = await workbench();
    const lead = await pick(parts, bench, drainQuestion(bench), target);
    if (!lead) return undefined;
    const outcomes = await busy(parts, () => bench.routing.backlog.drainInbox(lead.id));
    tell(parts, drainText(outcomes));
    return outcomes;
  });

  registry.register('deputy.autoDispatchBacklog', async () => {
    requireTrust(vs);
    const { routing } = await workbench();
    const dispatched = await busy(parts, () => routing.coordinator.dispatch());
    tell(parts, dispatchText(dispatched));
    return dispatched;
  });

  registry.register('deputy.rebalanceTeam', async (target) => {
    requireTrust(vs);
    const bench = await workbench();
    const lead = await pick(parts, bench, REBALANCE, target);
    if (!lead) return undefined;
    const moves = await busy(parts, () => bench.routing.backlog.rebalanceTeam(lead.id));
    tell(parts, rebalanceText(moves));
    return moves;
  });

  registry.register('deputy.rebalanceAll', async () => {
    requireTrust(vs);
    const { routing } = await workbench();
    const rebalanced = await busy(parts, () => routing.coordinator.rebalance());
    const problems = rebalanced.flatMap(({ error }) => error ?? []);
    tell(
      parts,
      rebalanceText(
        rebalanced.flatMap(({ moves }) => moves),
        problems,
      ),
    );
    return rebalanced;
  });

  registry.register('deputy.coordinateBacklog', async () => {
    requireTrust(vs);
    const { routing, documents, store } = await workbench();
    const report = await busy(parts, () => routing.coordinator.coordinate());
    await documents.showReport('Coordination', formatCoordination(report, namesIn(store)));
    return report;
  });
}

const REBALANCE = activeSession('Rebalance Team');

function drainQuestion({ store }: Workbench): SessionQuestion {
  const waiting = store.handoffs.queuedCounts('team');
  return {
    title: 'Drain Inbox',
    fits: ({ id }) => waiting.has(id),
    none: 'No handoff waits for a team.',
  };
}
